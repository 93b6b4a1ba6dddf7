import { z } from 'zod'

/** What a caller writes on a thing of its own, for itself. */
export const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'At most 16 pairs are possible.' })
