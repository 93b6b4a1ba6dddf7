import type { KeyScope, Reach } from '../../proto/admin.ts'
import { cidrOf } from '../../proto/cidr.ts'
import type { KeyId, OrganisationId, ProjectId } from '../../proto/ids.ts'
import { UNLIMITED, type Limits } from '../../proto/limits.ts'
import type { ResponseCache } from '../../proto/response-cache.ts'
import type { RouteFamily } from '../../proto/scopes.ts'
import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import type { Key } from '../ports.ts'

/** What the database tells of a key that a secret opens. */
export interface OpenedKey extends Limits {
  id: KeyId
  organisation: OrganisationId
  project: ProjectId
  scope: KeyScope
  reach: Reach | null
  routes: RouteFamily[] | null
  models: string[] | null
  cidrs: string[] | null
  expiresAt: Date | null
  secretExpiresAt: Date | null
  projectLimits: Limits
  modelLimits: Record<string, Limits>
  cache: ResponseCache | null
}

/** A row of the database as requests need it. */
export function openedKey(row: OpenedKey): Key {
  const { id, organisation, project, scope, reach, routes, models } = row
  return {
    id,
    organisation,
    project,
    scope,
    reach,
    routes,
    models,
    cidrs: rangesOf(row.cidrs),
    expiresAtMs: soonest(row.expiresAt, row.secretExpiresAt),
    user: null,
    minted: false,
    limits: { key: limitsOf(row), project: limitsOf(row.projectLimits), models: row.modelLimits },
    ...(row.cache && { cache: row.cache }),
  }
}

/** A key of the default project, held to nothing but so many requests. */
export const keyOf = (plain: Pick<Key, 'id' | 'scope'> & { requestsPerMinute: number }): Key =>
  openedKey({
    ...UNLIMITED,
    ...plain,
    organisation: DEFAULT_ORGANISATION,
    project: DEFAULT_PROJECT,
    reach: plain.scope === 'admin' ? 'deployment' : null,
    routes: null,
    models: null,
    cidrs: null,
    expiresAt: null,
    secretExpiresAt: null,
    projectLimits: UNLIMITED,
    modelLimits: {},
    cache: null,
  })

const limitsOf = (from: Limits): Limits => ({
  requestsPerMinute: from.requestsPerMinute,
  tokensPerMinute: from.tokensPerMinute,
  concurrentStreams: from.concurrentStreams,
  audioSecondsPerMinute: from.audioSecondsPerMinute,
})

const soonest = (...times: (Date | null)[]): number | null =>
  times.reduce<number | null>(
    (first, time) => (time === null ? first : Math.min(first ?? Infinity, time.getTime())),
    null,
  )

/** As they are compared with addresses; `null` is any. */
export const rangesOf = (texts: readonly string[] | null) => texts?.map(rangeOf) ?? null

function rangeOf(text: string) {
  const range = cidrOf(text)
  // Left out, a key would open for an address it was to be kept from.
  if (!range) throw new Error(`the database holds a range of addresses that is none: ${text}`)
  return range
}
