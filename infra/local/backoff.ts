const FIRST_MS = 100
const LONGEST_MS = 10_000
/** Who served this long can start: whatever ended it, it is wanted back at once. */
const HEALTHY_MS = 1_000

/** How long to wait before a child that died is started again: twice as long each time, unless it has been up. */
export class Backoff {
  #delayMs = FIRST_MS

  /** `upForMs` is since it was ready, 0 where it never was. */
  next(upForMs: number): number {
    if (upForMs >= HEALTHY_MS) this.#delayMs = FIRST_MS
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(delayMs * 2, LONGEST_MS)
    return delayMs
  }
}
