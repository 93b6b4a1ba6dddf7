/** Ends that the measure remembers. */
const REMEMBERED = 256

/**
 * How often a slot comes free for one queue at this gateway: from the ends of its jobs, since in the long run as many begin.
 * Only the time in which somebody waited counts: an idle queue is not a slow one. Milliseconds of a clock that goes only
 * forward come in as arguments.
 */
export class ServiceRate {
  readonly #intervals: number[] = []
  #at = 0
  #sum = 0
  #waiting = false
  /** The last end since somebody waits. */
  #endedAtMs: number | undefined
  #waitsSinceMs = 0

  /** Somebody waits from now on, if nobody did. */
  waits(nowMs: number): void {
    if (this.#waiting) return
    this.#waiting = true
    this.#waitsSinceMs = nowMs
  }

  /** A job that ran is over. */
  freed(nowMs: number): void {
    if (!this.#waiting) return
    if (this.#endedAtMs !== undefined) this.#note(nowMs - this.#endedAtMs)
    this.#endedAtMs = nowMs
  }

  /** Nobody waits any more. */
  rests(): void {
    this.#waiting = false
    this.#endedAtMs = undefined
  }

  /**
   * Milliseconds from one end to the next while somebody waits; nothing before each of so many slots was seen to come free:
   * those that began together end together.
   */
  intervalMs(nowMs: number, slots: number): number | undefined {
    const count = this.#intervals.length
    if (count < Math.min(Math.max(slots, 1), REMEMBERED)) return undefined
    const mean = this.#sum / count
    const sinceMs = nowMs - (this.#endedAtMs ?? nowMs)
    // The one that is not over is longer already: whatever was measured, it is slower now.
    return sinceMs > mean ? (this.#sum + sinceMs) / (count + 1) : mean
  }

  /** How long somebody has waited for the next end. */
  quietMs(nowMs: number): number {
    return this.#waiting ? nowMs - (this.#endedAtMs ?? this.#waitsSinceMs) : 0
  }

  #note(ms: number): void {
    this.#sum += ms - (this.#intervals[this.#at] ?? 0)
    this.#intervals[this.#at] = ms
    this.#at = (this.#at + 1) % REMEMBERED
  }
}
