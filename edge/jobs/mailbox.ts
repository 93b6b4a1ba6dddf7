import type { Failure } from '../../proto/failure.ts'

/**
 * Between the bus, which pushes, and one reader, which pulls. What waits is bounded by the credit that the worker
 * was given, so nothing here needs to be.
 */
export class Mailbox {
  #frames: Uint8Array[] = []
  #over: { failure: Failure | undefined } | undefined
  #wake: (() => void) | undefined

  get over(): boolean {
    return this.#over !== undefined
  }

  put(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#wake?.()
  }

  /** No frame follows. With a failure, the reader gets what came before it and then the failure. */
  close(failure?: Failure): void {
    this.#over ??= { failure }
    this.#wake?.()
  }

  /** All that waits, or `undefined` once it is over. One reader at a time. */
  async take(): Promise<readonly Uint8Array[] | undefined> {
    if (this.#frames.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    if (this.#frames.length > 0) {
      const frames = this.#frames
      this.#frames = []
      return frames
    }
    if (this.#over?.failure) throw this.#over.failure
    return undefined
  }
}
