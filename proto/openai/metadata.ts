import { z } from 'zod'

/** No control characters and no halves of pairs: some databases keep neither. */
const text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0\p{Cs}]*$/u, 'It may have no NUL and no half of a character in it.')

/** What a caller writes on a thing of its own, for itself. */
export const Metadata = z
  .record(text(64), text(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'At most 16 pairs are possible.' })
