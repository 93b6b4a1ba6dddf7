import { Failure } from '../../../proto/failure.ts'
import type { Draw, NativeContext, NativeSampler } from './bindings.ts'
import { likelyAt, type Likely } from './likely.ts'

/**
 * A schema that can be read in several ways at once, again inside itself, doubles with every step the ways that a grammar
 * must follow, and everyone waits for them. It ends here while it is seconds.
 */
const MOST_GRAMMAR_MS = 2000
const TOO_AMBIGUOUS =
  'This schema can be read in too many ways at once. Make the branches of its anyOf begin differently.'

/** What one slot takes into a step. */
export interface StepPart {
  sequence: number
  /** The position of the first token in the sequence. */
  at: number
  tokens: readonly number[]
  /** How the token after them is drawn; nothing where none is wanted. */
  draw?: {
    sampler: NativeSampler
    how: Draw
    /** Tells how likely it was, and so many of the likeliest. */
    telling?: { reader: NativeSampler; top: number }
  }
}

export interface Drawn {
  token: number
  likely?: Likely
}

interface Waiting {
  part: StepPart
  settle: PromiseWithResolvers<Drawn | undefined>
}

/** What is asked of the model before the event loop turns becomes one step: one batch, computed together. */
export class Stepper {
  readonly #native: NativeContext
  #waiting: Waiting[] = []

  constructor(native: NativeContext) {
    this.#native = native
  }

  /** What was drawn. Whoever steps waits for all that it asked for before it asks again. */
  async step(part: StepPart): Promise<Drawn | undefined> {
    const settle = Promise.withResolvers<Drawn | undefined>()
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

  async #draw({ draw }: StepPart, logits: number | undefined): Promise<Drawn | undefined> {
    if (!draw || logits === undefined) return undefined
    const { sampler, how, telling } = draw
    sampler.applyConfig(how)
    const startMs = performance.now()
    const token = await this.#native.sampleToken(logits, sampler)
    if (how.grammarEvaluationState && performance.now() - startMs > MOST_GRAMMAR_MS)
      throw new Failure('invalid', TOO_AMBIGUOUS, { param: 'response_format' })
    if (token < 0) throw new Error('No token could be drawn.')
    if (!telling) return { token }
    const { reader, top } = telling
    return { token, likely: await likelyAt(this.#native, reader, { logits, token, top }) }
  }
}
