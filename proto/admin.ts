import { z } from 'zod'
import { CidrText } from './cidr.ts'
import { KeyId, OrganisationId, ProjectId } from './ids.ts'
import { Limits } from './limits.ts'
import { Name } from './name.ts'
import { pageOf, Paging } from './paging.ts'
import { ModelPattern, RouteFamily } from './scopes.ts'

export const KeyScope = z.enum(['developer', 'admin'])
export type KeyScope = z.infer<typeof KeyScope>

/** What an admin may manage: everything, the organisation of its key, or the project of its key. */
export const Reach = z.enum(['deployment', 'organisation', 'project'])
export type Reach = z.infer<typeof Reach>

/** Holds a key to less than everything. `null` is no bound; a list of none would be a key of no use. */
const bounds = {
  routes: z.array(RouteFamily).min(1).max(50).nullable(),
  models: z.array(ModelPattern).min(1).max(200).nullable(),
  cidrs: z.array(CidrText).min(1).max(200).nullable(),
}

/** A key as anyone but its owner sees it. */
export const KeyView = z.object({
  id: KeyId,
  project: ProjectId,
  name: z.string(),
  /** The last four characters of the secret. */
  hint: z.string(),
  /** The secret before this one, while both open the key. */
  former: z.object({ hint: z.string(), expiresAt: z.iso.datetime() }).nullable(),
  scope: KeyScope,
  reach: Reach.nullable(),
  ...bounds,
  ...Limits.shape,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
})
export type KeyView = z.infer<typeof KeyView>

/** Strict, as all that bounds a key: a bound that was misspelt would be none. */
export const NewKey = z.strictObject({
  name: Name,
  /** Left out, it is the project of the key that asks. */
  project: ProjectId.optional(),
  scope: KeyScope.default('developer'),
  /** Of an admin key alone. Left out, it is the project. */
  reach: Reach.optional(),
  routes: bounds.routes.default(null),
  models: bounds.models.default(null),
  cidrs: bounds.cidrs.default(null),
  expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
  requestsPerMinute: Limits.shape.requestsPerMinute.default(600),
  tokensPerMinute: Limits.shape.tokensPerMinute.default(null),
  concurrentStreams: Limits.shape.concurrentStreams.default(null),
  audioSecondsPerMinute: Limits.shape.audioSecondsPerMinute.default(null),
})
export type NewKey = z.infer<typeof NewKey>

/** The only time the secret is shown. */
export const CreatedKey = KeyView.extend({ secret: z.string() })
export type CreatedKey = z.infer<typeof CreatedKey>

/** What is left out stays as it is. */
export const KeyPatch = z
  .strictObject({
    name: Name,
    ...bounds,
    expiresAt: z.iso.datetime({ offset: true }).nullable(),
    ...Limits.shape,
  })
  .partial()
export type KeyPatch = z.infer<typeof KeyPatch>

/** At most a month: a secret that has been replaced is there to be forgotten. */
const MAX_OVERLAP_SECONDS = 31 * 24 * 3600

export const Rotation = z.object({
  /** How long the secret before goes on opening the key; 0 ends it at once. Any before that ends at once. */
  overlapSeconds: z.int().min(0).max(MAX_OVERLAP_SECONDS),
})
export type Rotation = z.infer<typeof Rotation>

export const KeyList = pageOf(KeyView)

export const KeyQuery = Paging.extend({
  organisation: OrganisationId.optional(),
  project: ProjectId.optional(),
  /** `live` leaves out what was revoked or has expired. */
  state: z.enum(['live', 'all']).default('all'),
})
export type KeyQuery = z.infer<typeof KeyQuery>
