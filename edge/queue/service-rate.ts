/** Ends that the measure remembers. */
const REMEMBERED = 64

/**
 * How often a slot comes free for one queue at this gateway: from the ends of its jobs, since in the long run as many begin.
 * Only the time in which somebody waited counts: an idle queue is not a slow one. Milliseconds of a clock that goes only
 * forward come in as arguments.
 */
export class ServiceRate {
  readonly #intervals: number[] = []
  #at = 0
  #sum = 0
  /** The last end, or when somebody began to wait; nothing while nobody does. */
  #sinceMs: number | undefined

  /** Somebody waits from now on, if nobody did. */
  waits(nowMs: number): void {
    this.#sinceMs ??= nowMs
  }

  /** A job that ran is over. */
  freed(nowMs: number): void {
    if (this.#sinceMs === undefined) return
    this.#note(nowMs - this.#sinceMs)
    this.#sinceMs = nowMs
  }

  /** Nobody waits any more. */
  rests(): void {
    this.#sinceMs = undefined
  }

  /** Milliseconds from one end to the next while somebody waits; nothing before one was seen. */
  intervalMs(nowMs: number): number | undefined {
    const count = this.#intervals.length
    if (count === 0) return undefined
    const mean = this.#sum / count
    const sinceMs = nowMs - (this.#sinceMs ?? nowMs)
    // The one that is not over is longer already: whatever was measured, it is slower now.
    return sinceMs > mean ? (this.#sum + sinceMs) / (count + 1) : mean
  }

  /** How long somebody has waited for the next end. */
  quietMs(nowMs: number): number {
    return nowMs - (this.#sinceMs ?? nowMs)
  }

  #note(ms: number): void {
    this.#sum += ms - (this.#intervals[this.#at] ?? 0)
    this.#intervals[this.#at] = ms
    this.#at = (this.#at + 1) % REMEMBERED
  }
}
