import { DurableObject } from 'cloudflare:workers'
import { MemoryLimiter } from '../limit/memory-limiter.ts'
import type { Key, Limiter, Verdict } from '../ports.ts'
import type { Bindings } from './bindings.ts'
import { shardOf } from './shard.ts'

/** Enough that no one key's neighbours matter; an object per key would be slow at its first touch. */
const SHARDS = 16

/**
 * The limits of a share of the keys. They stand in memory alone: an object is put to sleep after a minute without a
 * request at the earliest, and by then all its buckets are full again.
 */
export class LimiterObject extends DurableObject<Bindings> {
  readonly #limiter = new MemoryLimiter()

  take(key: Pick<Key, 'id' | 'limits'>): Verdict {
    return this.#limiter.take(key)
  }
}

/** The limiter as the Worker sees it: every isolate asks the same object for the same key. */
export const objectLimiter = ({ LIMITER }: Pick<Bindings, 'LIMITER'>): Limiter => ({
  async take({ id, limits }) {
    const shard = `limiter-${shardOf(id, SHARDS)}`
    return LIMITER.get(LIMITER.idFromName(shard)).take({ id, limits })
  },
})
