/** How far an answer may run. Absolute, so that a repeated or overtaken raise does no harm. */
export class Credit {
  #upTo: number
  #wake: (() => void) | undefined

  constructor(upTo: number, signal: AbortSignal) {
    this.#upTo = upTo
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  raise(upTo: number): void {
    if (upTo <= this.#upTo) return
    this.#upTo = upTo
    this.#wake?.()
  }

  /** The tokens (or blocks) that may still be said from `position` on: at least one, or it waits. */
  async room(position: number, signal: AbortSignal): Promise<number> {
    while (position >= this.#upTo) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#upTo - position
  }
}
