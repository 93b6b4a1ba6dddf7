/** A queue with one reader, which waits where it is empty. What was put before the end is still read. */
export class Mailbox<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  #over: { thrown: unknown } | 'closed' | undefined
  #wake: (() => void) | undefined

  put(item: T): void {
    if (this.#over) return
    this.#items.push(item)
    this.#wake?.()
  }

  close(): void {
    this.#over ??= 'closed'
    this.#wake?.()
  }

  /** The reader meets `thrown` at once: what it has not read yet is of no use any more. */
  fail(thrown: unknown): void {
    this.#over ??= { thrown }
    this.#items.length = 0
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) yield item
      else if (this.#over === 'closed') return
      else if (this.#over) throw this.#over.thrown
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
