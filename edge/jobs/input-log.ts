/** The numbered blocks of a job's input, kept until the worker says that what came of them is final. */
export class InputLog {
  #first = 0
  #blocks: Uint8Array[] = []
  #over = false

  /** The lowest block that is still needed. */
  get first(): number {
    return this.#first
  }

  /** How many blocks came in so far: the number of the next one. */
  get next(): number {
    return this.#first + this.#blocks.length
  }

  get over(): boolean {
    return this.#over
  }

  /** Whether a worker that listens has something to do. */
  get pending(): boolean {
    return this.#blocks.length > 0 || this.#over
  }

  add(block: Uint8Array): number {
    this.#blocks.push(block)
    return this.next - 1
  }

  end(): void {
    this.#over = true
  }

  /** Blocks below `through` are final. */
  release(through: number): void {
    const done = Math.min(Math.max(through - this.#first, 0), this.#blocks.length)
    this.#blocks.splice(0, done)
    this.#first += done
  }

  /** What the next worker must be sent. */
  *rest(): Generator<{ seq: number; bytes: Uint8Array }> {
    for (const [i, bytes] of this.#blocks.entries()) yield { seq: this.#first + i, bytes }
  }
}
