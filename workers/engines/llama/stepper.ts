import type { Draw, NativeContext, NativeSampler } from './bindings.ts'

/** What one slot takes into a step. */
export interface StepPart {
  sequence: number
  /** The position of the first token in the sequence. */
  at: number
  tokens: readonly number[]
  /** How the token after them is drawn; nothing where none is wanted. */
  draw?: { sampler: NativeSampler; how: Draw }
}

interface Waiting {
  part: StepPart
  settle: PromiseWithResolvers<number>
}

/** What is asked of the model before the event loop turns becomes one step: one batch, computed together. */
export class Stepper {
  readonly #native: NativeContext
  #waiting: Waiting[] = []

  constructor(native: NativeContext) {
    this.#native = native
  }

  /** The token that was drawn, or -1. Whoever steps waits for all that it asked for before it asks again. */
  async step(part: StepPart): Promise<number> {
    const settle = Promise.withResolvers<number>()
    if (this.#waiting.length === 0) queueMicrotask(() => void this.#flush())
    this.#waiting.push({ part, settle })
    return settle.promise
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      const logits = this.#fill(waiting)
      await this.#native.decodeBatch()
      const drawing = waiting.map(({ part }, i) => this.#draw(part, logits[i]))
      // All of them, before anyone hears of any: the next step overwrites what they draw from.
      const drawn = await Promise.allSettled(drawing)
      drawn.forEach((outcome, i) => {
        if (outcome.status === 'fulfilled') waiting[i]?.settle.resolve(outcome.value)
        else waiting[i]?.settle.reject(outcome.reason)
      })
    } catch (thrown) {
      for (const { settle } of waiting) settle.reject(thrown)
    }
  }

  /** Answers where each part's logits will be. */
  #fill(waiting: readonly Waiting[]): (number | undefined)[] {
    this.#native.initBatch(waiting.reduce((sum, { part }) => sum + part.tokens.length, 0))
    return waiting.map(({ part: { sequence, at, tokens, draw } }) => {
      const wanted = draw ? [tokens.length - 1] : []
      return this.#native.addToBatch(
        sequence,
        at,
        Uint32Array.from(tokens),
        Uint32Array.from(wanted),
      )[0]
    })
  }

  async #draw({ draw }: StepPart, logits: number | undefined): Promise<number> {
    if (!draw || logits === undefined) return -1
    draw.sampler.applyConfig(draw.how)
    return this.#native.sampleToken(logits, draw.sampler)
  }
}
