import { Failure } from '../../proto/failure.ts'
import type { Caching } from '../../proto/job.ts'
import { canonical, sha256 } from '../idempotency.ts'
import type { Served } from '../ports.ts'
import type { Work } from './admission.ts'
import type { Asker } from './asker.ts'

/** What one request wants of the response cache: an answer of it, a new one put into it, or nothing to do with it. */
export type CacheUse = 'use' | 'refresh' | 'no-store'

/** What `x-cache` of a request may say. Nothing is said where the project has no cache. */
export function cacheUseOf(header: string | undefined): CacheUse {
  if (header === undefined) return 'use'
  if (header === 'refresh' || header === 'no-store') return header
  throw new Failure('invalid', 'x-cache must be "refresh" or "no-store", or not be there.', {
    param: 'x-cache',
  })
}

/**
 * Under what the answer is found again, or nothing where it is not to be. All that it depends on is in the hash, in
 * whatever format it was asked for; a seed is, if the caller set one: without, any answer to the same question will do.
 * Not one under an idempotency key: that names its own answer.
 */
export async function cachingOf(
  { key, once, cache = 'use' }: Asker,
  served: Served,
  work: Work,
): Promise<Caching | undefined> {
  if (!key.cache || once || cache === 'no-store' || work.kind === 'duplex') return undefined
  const { ttlMs, maxEntryBytes } = key.cache
  // A model that is replaced under its name is another.
  const question = {
    version: 1,
    model: served.id,
    since: served.createdAtMs,
    digest: served.fingerprint,
    work,
  }
  return {
    hash: await sha256(canonical(question)),
    maxAgeMs: cache === 'refresh' ? 0 : ttlMs,
    maxBytes: maxEntryBytes,
  }
}
