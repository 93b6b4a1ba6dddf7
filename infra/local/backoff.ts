const FIRST_MS = 100
const LONGEST_MS = 10_000
/** Who lived this long died of something new. */
const HEALTHY_MS = 30_000

/** How long to wait before a child that died is started again: twice as long each time, unless it has lived well. */
export class Backoff {
  #delayMs = FIRST_MS

  next(livedMs: number): number {
    if (livedMs >= HEALTHY_MS) this.#delayMs = FIRST_MS
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(delayMs * 2, LONGEST_MS)
    return delayMs
  }
}
