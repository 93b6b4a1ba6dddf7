const FIRST_CHUNK = 16
const MIN_CHUNK = 4
const SMOOTHING = 0.3

/** How many prompt tokens fit into a stretch of time, learnt from the stretches before. Pure. */
export class ReadingRate {
  readonly #maxChunk: number
  #tokensPerMs: number | undefined

  constructor(maxChunk: number) {
    this.#maxChunk = maxChunk
  }

  /** The size of the next piece. Never leaves a single token over: read alone it would be rounded differently. */
  chunk(budgetMs: number, left: number): number {
    const fits = this.#tokensPerMs === undefined ? FIRST_CHUNK : this.#tokensPerMs * budgetMs
    const size = Math.max(MIN_CHUNK, Math.min(Math.floor(fits), this.#maxChunk))
    if (left <= size) return left
    return left - size === 1 ? size - 1 : size
  }

  learn(tokens: number, tookMs: number): void {
    const rate = tokens / Math.max(tookMs, 0.01)
    this.#tokensPerMs =
      this.#tokensPerMs === undefined
        ? rate
        : this.#tokensPerMs + SMOOTHING * (rate - this.#tokensPerMs)
  }
}
