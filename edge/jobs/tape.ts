import type { Failure } from '../../proto/failure.ts'

/** How an answer is over for those who read it here: well, with a failure, or because another gateway has it now. */
export interface Over {
  failure?: Failure
  moved?: true
}

/**
 * The accepted frames of one answer, between the bus, which pushes, and readers, which pull. One that is kept serves any
 * number of readers from its beginning, and holds its frames by copy: what the bus gives is a view of a whole read of
 * the socket. One that is not kept has one reader and forgets what that has taken. Credit bounds both.
 */
export class Tape {
  readonly kept: boolean
  #frames: Uint8Array[] = []
  #over: Over | undefined
  #waiting: (() => void)[] = []

  constructor(kept: boolean) {
    this.kept = kept
  }

  get over(): boolean {
    return this.#over !== undefined
  }

  /** All frames so far, where they are kept; else those that were not taken yet. */
  get frames(): readonly Uint8Array[] {
    return this.#frames
  }

  put(frame: Uint8Array): void {
    this.#frames.push(this.kept ? frame.slice() : frame)
    this.#wake()
  }

  /** No frame follows. Readers get what came before it first. */
  close(over: Over = {}): void {
    this.#over ??= over
    this.#wake()
  }

  read(): TapeReader {
    let at = 0
    return {
      take: async () => {
        while (this.#frames.length === at && !this.#over)
          await new Promise<void>((resolve) => this.#waiting.push(resolve))
        if (this.#frames.length === at) return this.#over ?? {}
        if (this.kept) {
          const frames = this.#frames.slice(at)
          at += frames.length
          return frames
        }
        const frames = this.#frames
        this.#frames = []
        return frames
      },
    }
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

export interface TapeReader {
  /** All that waits, as soon as there is something; then how it ended. */
  take: () => Promise<readonly Uint8Array[] | Over>
}
