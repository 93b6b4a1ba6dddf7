import { z } from 'zod'
import { CidrText } from './cidr.ts'
import { MAX_USER_CHARS } from './job.ts'
import { ModelPattern, RouteFamily } from './scopes.ts'

const MIN_SECONDS = 10
const MAX_SECONDS = 3_600

export const NewClientToken = z.object({
  /** Seconds that it lives, or less where the key ends before. */
  expires_in: z.int().min(MIN_SECONDS).max(MAX_SECONDS).default(600),
  /** Besides what the key is held to; left out, no further bound. */
  routes: z.array(RouteFamily).min(1).max(50).optional(),
  models: z.array(ModelPattern).min(1).max(200).optional(),
  /** Where it may be used from. The addresses of the key are those of a server, and are not asked of a browser. */
  cidrs: z.array(CidrText).min(1).max(200).optional(),
  /** Whom it is for: its jobs are counted to this user, whatever they say. */
  user: z
    .string()
    .min(1)
    .max(MAX_USER_CHARS)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'It has no control characters.')
    .optional(),
})
export type NewClientToken = z.infer<typeof NewClientToken>

export const ClientToken = z.object({
  object: z.literal('client_token'),
  /** Shown this once. It is sent as a key is. */
  token: z.string(),
  /** Seconds since 1970. */
  expires_at: z.int(),
})
export type ClientToken = z.infer<typeof ClientToken>
