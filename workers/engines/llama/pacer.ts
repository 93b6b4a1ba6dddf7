/**
 * The beat that paced streams step to, all of them together: one step for all costs hardly more than a step for one.
 * Pure: times come in, in milliseconds.
 */
export class Pacer {
  readonly #stepMs: number
  #nextMs = 0

  /** Without a pace every moment is a beat. */
  constructor(tokensPerSecond: number | null) {
    this.#stepMs = tokensPerSecond === null ? 0 : 1000 / tokensPerSecond
  }

  get stepMs(): number {
    return this.#stepMs
  }

  /** How long until the next beat; 0 is now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs)
  }

  /** A step was taken on this beat. A late one is made up for, a pause is not. */
  stepped(nowMs: number): void {
    const next = this.#nextMs + this.#stepMs
    this.#nextMs = next > nowMs - this.#stepMs ? next : nowMs + this.#stepMs
  }
}
