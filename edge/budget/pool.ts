import type { Fund } from '../../proto/budget.ts'

/**
 * What this gateway may spend of one window of one budget, and nobody else may: leased, and not promised to an answer yet.
 * Times are of a clock that goes only forward, and come in as arguments.
 */
export class Pool {
  readonly fund: Fund
  /** Answers that draw on it. */
  jobs = 0
  /** Whoever asks for more is told at once that there is none; until then. */
  dryUntilMs = Number.NEGATIVE_INFINITY
  leasedAtMs = Number.NEGATIVE_INFINITY
  #free = 0n
  #untilMs = Number.NEGATIVE_INFINITY

  constructor(fund: Fund) {
    this.fund = fund
  }

  /** What is here, whether it may be promised now or not. */
  get free(): bigint {
    return this.#free
  }

  /** What may be promised: nothing while it is not sure that the lease is still ours. */
  usable(nowMs: number): bigint {
    return nowMs < this.#untilMs ? this.#free : 0n
  }

  /** The lease is ours until then, and larger by so much. */
  lease(amount: bigint, untilMs: number): void {
    this.#free += amount
    this.#untilMs = Math.max(this.#untilMs, untilMs)
    if (amount > 0n) this.dryUntilMs = Number.NEGATIVE_INFINITY
  }

  take(amount: bigint): void {
    if (amount > this.#free) throw new RangeError(`${amount} of ${this.#free} cannot be taken`)
    this.#free -= amount
  }

  put(amount: bigint): void {
    this.#free += amount
    if (amount > 0n) this.dryUntilMs = Number.NEGATIVE_INFINITY
  }

  /** All of it, to be given back. */
  empty(): bigint {
    const all = this.#free
    this.#free = 0n
    return all
  }
}
