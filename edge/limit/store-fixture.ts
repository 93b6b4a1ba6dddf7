import { Failure } from '../../proto/failure.ts'
import type { BucketChange, BucketRow } from '../../proto/shared-bucket.ts'
import type { BucketStore } from './rounds.ts'

/** The shared buckets of a test, in memory, with the faults that a database has. */
export class MemoryStore implements BucketStore {
  statements = 0
  /** It does not answer. */
  away = false
  /** It does what it is told, and its answers are lost. */
  deaf = false
  readonly #rows = new Map<string, BucketRow>()
  readonly #nowMs: () => number
  readonly #lag: () => number

  /** `lag` is how many turns of the event loop a way to the store takes: others act meanwhile. */
  constructor(nowMs: () => number, lag: () => number = () => 1) {
    this.#nowMs = nowMs
    this.#lag = lag
  }

  async swap(
    changes: readonly BucketChange[],
  ): Promise<ReadonlyMap<string, BucketRow | undefined>> {
    this.statements++
    await this.#way()
    if (this.away) throw new Failure('unavailable', 'The store is away.')
    const lost = new Map<string, BucketRow | undefined>()
    for (const { id, was, stamp, shared } of changes) {
      const row = this.#rows.get(id)
      if (row && row.stamp !== was) lost.set(id, row)
      else this.#rows.set(id, { stamp, shared: structuredClone(shared) })
    }
    await this.#way()
    if (this.deaf) throw new Failure('unavailable', 'The answer of the store was lost.')
    return lost
  }

  async #way(): Promise<void> {
    for (let turns = this.#lag(); turns > 0; turns--) await Promise.resolve()
  }

  clockMs(): Promise<number> {
    return this.away
      ? Promise.reject(new Failure('unavailable', 'The store is away.'))
      : Promise.resolve(this.#nowMs() + 1_000_000)
  }

  drop(beforeMs: number): Promise<void> {
    for (const [id, { shared }] of this.#rows) if (shared.atMs < beforeMs) this.#rows.delete(id)
    return Promise.resolve()
  }
}
