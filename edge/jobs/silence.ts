/** No worker is called silent before this, however fast its model is. */
export const MIN_SILENCE_MS = 500
const STEPS = 8
/** How much a new gap moves the measured one. */
const WEIGHT = 0.2

/** How long a job has been quiet, judged by its own measured pace. Time comes in as an argument. */
export class Silence {
  #lastAtMs = 0
  #stepMs = 0

  /** A worker took the job; its model makes a token every `stepMs`, 0 where nobody knows. */
  start(nowMs: number, stepMs: number): void {
    this.#lastAtMs = nowMs
    this.#stepMs = stepMs
  }

  /** A sign of life: a frame with so many tokens, 0 for progress. */
  heard(nowMs: number, tokens: number): void {
    if (tokens > 0) {
      const stepMs = (nowMs - this.#lastAtMs) / tokens
      this.#stepMs += WEIGHT * (stepMs - this.#stepMs)
    }
    this.#lastAtMs = nowMs
  }

  /** We did not listen for so long: that much of the quiet is ours. */
  forgive(ms: number): void {
    this.#lastAtMs += ms
  }

  /** Nothing could be said, since no credit was left or the broker was away: quiet begins now. */
  excuse(nowMs: number): void {
    this.#lastAtMs = Math.max(this.#lastAtMs, nowMs)
  }

  /** max(500 ms, 8 x the measured time between tokens), the rule of PROTOCOL.md. */
  over(nowMs: number): boolean {
    return nowMs - this.#lastAtMs > Math.max(MIN_SILENCE_MS, STEPS * this.#stepMs)
  }
}
