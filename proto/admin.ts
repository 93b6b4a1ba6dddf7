import { z } from 'zod'
import { KeyId } from './ids.ts'

export const KeyScope = z.enum(['developer', 'admin'])
export type KeyScope = z.infer<typeof KeyScope>

/** A key as anyone but its owner sees it. */
export const KeyView = z.object({
  id: KeyId,
  name: z.string(),
  /** The last four characters of the secret. */
  hint: z.string(),
  scope: KeyScope,
  requestsPerMinute: z.int().positive(),
  createdAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
})
export type KeyView = z.infer<typeof KeyView>

export const NewKey = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'A key has a name.')
    .max(100)
    .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'A name has no control characters: it is shown in terminals.'),
  scope: KeyScope.default('developer'),
  requestsPerMinute: z.int().positive().max(1_000_000).default(600),
})
export type NewKey = z.infer<typeof NewKey>

/** The only time the secret is shown. */
export const CreatedKey = KeyView.extend({ secret: z.string() })
export type CreatedKey = z.infer<typeof CreatedKey>

export const KeyList = z.object({ data: z.array(KeyView) })
