import type { RouteFamily } from '../../proto/scopes.ts'
import { rangesOf } from './key-of.ts'
import type { Key } from '../ports.ts'

/** What a token is held to, besides what its key is. */
export interface Bounds {
  routes: readonly RouteFamily[] | null
  models: readonly string[] | null
  cidrs: readonly string[] | null
  user: string | null
}

/** A key as a token opens it: never more than the key, never an admin, and from addresses of its own. */
export const narrowed = (key: Key, { routes, models, cidrs, user }: Bounds): Key => ({
  ...key,
  scope: 'developer',
  reach: null,
  routes: both(key.routes, routes, (mine, theirs) => (mine === theirs ? mine : undefined)),
  models: both(key.models, models, narrower),
  cidrs: rangesOf(cidrs),
  user: user === null ? null : { id: user, requestsPerMinute: null },
  minted: true,
})

/** What two lists both allow, of which `null` is everything. */
function both<T>(
  a: readonly T[] | null,
  b: readonly T[] | null,
  common: (a: T, b: T) => T | undefined,
): readonly T[] | null {
  if (a === null || b === null) return a ?? b
  return a.flatMap((one) => b.flatMap((other) => common(one, other) ?? []))
}

/** Of two patterns of models, the one that lies within the other. */
export function narrower(a: string, b: string): string | undefined {
  if (covers(a, b)) return b
  return covers(b, a) ? a : undefined
}

/** Whether every model that `inner` matches, `outer` matches too. */
function covers(outer: string, inner: string): boolean {
  if (!outer.endsWith('*')) return outer === inner
  return inner.startsWith(outer.slice(0, -1))
}
