import { z } from 'zod'
import { CidrText } from './cidr.ts'
import { ModelPattern, RouteFamily } from './scopes.ts'
import { EndUserName } from './end-user-name.ts'

const MIN_SECONDS = 10
const MAX_SECONDS = 3_600

/** Strict: a bound that was misspelt would be none. */
export const NewClientToken = z.strictObject({
  /** Seconds that it lives, or less where the key ends before. */
  expires_in: z.int().min(MIN_SECONDS).max(MAX_SECONDS).default(600),
  /** Besides what the key is held to; left out, no further bound. */
  routes: z.array(RouteFamily).min(1).max(50).optional(),
  models: z.array(ModelPattern).min(1).max(200).optional(),
  /** Where it may be used from. The addresses of the key are those of a server, and are not asked of a browser. */
  cidrs: z.array(CidrText).min(1).max(200).optional(),
  /** Whom it is for: its jobs are counted to this user, whatever they say. */
  user: EndUserName.min(1).optional(),
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
