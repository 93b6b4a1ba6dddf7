import { z } from 'zod'

/** What people call a thing: shown on pages and in terminals, so nothing in it may move a cursor. */
export const Name = z
  .string()
  .trim()
  .min(1, 'It needs a name.')
  .max(100)
  .regex(
    /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]*$/u,
    'A name has no control characters: it is shown in terminals.',
  )
