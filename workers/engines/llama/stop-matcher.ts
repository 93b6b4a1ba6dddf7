/**
 * Finds stop strings in text that comes in pieces. What may be the beginning of one is held back until it is known not
 * to be; a stop string itself, and all that follows it, is never shown.
 */
export class StopMatcher {
  readonly #stops: readonly string[]
  #held = ''
  #found: string | undefined

  constructor(stops: readonly string[]) {
    // Half a surrogate pair never comes, and holding back for it would cut a character in two.
    this.#stops = stops.filter((stop) => stop !== '' && stop.isWellFormed())
  }

  get stopped(): boolean {
    return this.#found !== undefined
  }

  /** The one that came first, and of those that began together the first that was named. */
  get found(): string | undefined {
    return this.#found
  }

  /** What may be shown now. */
  push(text: string): string {
    if (this.stopped) return ''
    const seen = this.#held + text
    let end = Infinity
    for (const stop of this.#stops) {
      const at = seen.indexOf(stop)
      if (at < 0 || at >= end) continue
      end = at
      this.#found = stop
    }
    if (!this.stopped) end = seen.length - this.#maybe(seen)
    this.#held = this.stopped ? '' : seen.slice(end)
    return seen.slice(0, end)
  }

  /** What was held back, when nothing more comes. */
  flush(): string {
    const held = this.#held
    this.#held = ''
    return held
  }

  /** The length of the longest end of `seen` with which a stop string begins. */
  #maybe(seen: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1))
    for (let size = Math.min(longest, seen.length); size > 0; size--) {
      const end = seen.slice(-size)
      if (this.#stops.some((stop) => stop.startsWith(end))) return size
    }
    return 0
  }
}
