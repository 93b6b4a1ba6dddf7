import type { KeyId } from '../../proto/ids.ts'
import { monotonicMs } from '../clock.ts'
import type { Key, Limiter, Verdict } from '../ports.ts'
import { take } from './gcra.ts'

const SWEEP_AT = 10_000
const BOUNDLESS = 1_000_000_000

/** Limits from the memory of one process. */
export class MemoryLimiter implements Limiter {
  readonly #tats = new Map<KeyId, number>()

  take({ id, limits }: Pick<Key, 'id' | 'limits'>): Verdict {
    const now = monotonicMs()
    const { tat, ...verdict } = take(this.#tats.get(id) ?? 0, now, {
      perMinute: limits.key.requestsPerMinute ?? BOUNDLESS,
    })
    if (this.#tats.size >= SWEEP_AT) this.#sweep(now)
    this.#tats.set(id, tat)
    return verdict
  }

  /** A bucket that is full again is as good as none. */
  #sweep(now: number): void {
    for (const [id, tat] of this.#tats) if (tat <= now) this.#tats.delete(id)
  }
}
