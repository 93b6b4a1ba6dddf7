/** An ended job's last words to the broker wait this long for company. */
const GATHER_MS = 5

/**
 * What nobody waits for: acknowledgements, subscriptions that are over. Each packet to the broker costs the gateway some
 * ten microseconds, whatever is in it, so what ends within a few milliseconds leaves together.
 */
export class Afterwards implements Disposable {
  #waiting: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `work` must not throw. */
  add(work: () => void): void {
    this.#waiting.push(work)
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const work of waiting) work()
  }

  [Symbol.dispose](): void {
    this.flush()
  }
}
