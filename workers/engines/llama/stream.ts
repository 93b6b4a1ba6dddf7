import type { End, Output } from '../../../proto/frame.ts'
import type { Sampling } from '../../../proto/job.ts'
import type { Answer } from './answer.ts'
import type { Constraint } from './grammar/constraint.ts'
import type { Seat } from './gang.ts'

/** A stream with this many tokens that nobody has pulled takes no step. */
const WAITING_TOKENS = 4
const PROGRESS_EVERY_MS = 100

export interface StreamPlan {
  prompt: readonly number[]
  sampling: Sampling
  answer: Answer
  exact: boolean
  /** Keeps the answer to a format. It has taken the tokens that were emitted. */
  constraint?: Constraint | undefined
}

/** One answer in the making: what the gang still has to read for it, and what its reader has not pulled yet. */
export class Stream {
  readonly sampling: Sampling
  readonly answer: Answer
  readonly constraint: Constraint | undefined
  /** Tokens that are read in pieces as large as time allows. */
  readonly batch: readonly number[]
  /** Tokens that are read one at a time, as they were when they were drawn. */
  readonly single: readonly number[]
  /** How many of `batch` and `single` the slot holds. */
  done = 0
  slot: Seat | undefined
  /** How many prompt tokens a warm slot held already. */
  cachedTokens = 0
  /** Set when the reader is gone. */
  left = false

  readonly #plan: StreamPlan
  readonly #wakeGang: () => void
  #ids: number[] = []
  #texts: string[] = []
  #scores: Uint8Array[] = []
  #prompt: Output | undefined
  #progress: Output | undefined
  #progressAtMs = -Infinity
  #over: { end: End } | { thrown: unknown } | undefined
  #wakeReader: (() => void) | undefined
  readonly #freed = Promise.withResolvers<void>()

  constructor(plan: StreamPlan, wakeGang: () => void) {
    this.#plan = plan
    this.#wakeGang = wakeGang
    this.sampling = plan.sampling
    this.answer = plan.answer
    this.constraint = plan.constraint
    // The last token of a takeover is not read: the next one is drawn from it.
    const emitted = plan.answer.ids.slice(0, -1)
    this.batch = plan.exact ? plan.prompt : [...plan.prompt, ...emitted]
    this.single = plan.exact ? emitted : []
  }

  /** The tokens that come before the next one are not all in the slot yet. */
  get reading(): boolean {
    return this.done < this.batch.length + this.single.length
  }

  /** `kept` of its tokens are in its slot already. */
  sit(kept: number): void {
    this.done = kept
    const promptTokens = this.#plan.prompt.length
    this.cachedTokens = Math.min(kept, promptTokens)
    this.#prompt = { kind: 'prompt', promptTokens, cachedTokens: this.cachedTokens }
    this.#wakeReader?.()
  }

  get hungry(): boolean {
    return this.#ids.length < WAITING_TOKENS
  }

  /** Told at once, and then no more often than someone needs to know that it lives. */
  progressed(nowMs: number): void {
    if (nowMs - this.#progressAtMs < PROGRESS_EVERY_MS) return
    this.#progressAtMs = nowMs
    const total = this.batch.length + this.single.length
    this.#progress = { kind: 'progress', done: Math.min(this.done, total), total }
    this.#wakeReader?.()
  }

  /** Either every token of a stream comes with its score, or none does. */
  say(id: number, text: string, score: Uint8Array | undefined): void {
    this.#ids.push(id)
    this.#texts.push(text)
    if (score) this.#scores.push(score)
    this.#wakeReader?.()
  }

  end(finish: End['finish']): void {
    const { cachedTokens } = this
    const promptTokens = this.#plan.prompt.length
    this.#over = { end: { finish, promptTokens, cachedTokens, ...this.answer.ending } }
    this.#wakeReader?.()
  }

  fail(thrown: unknown): void {
    this.#over ??= { thrown }
    this.#wakeReader?.()
  }

  /** The gang is done with it, and its slot is another's. */
  free(): void {
    this.slot = undefined
    this.#freed.resolve()
  }

  /** What the gang made, as it is pulled. Leaving it, by any way, frees the slot before it returns. */
  async *outputs(signal: AbortSignal): AsyncGenerator<Output> {
    const wake = (): void => this.#wakeReader?.()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        signal.throwIfAborted()
        const output = this.#take()
        if (output) yield output
        else if (!this.#over) await new Promise<void>((resolve) => (this.#wakeReader = resolve))
        else if ('thrown' in this.#over) throw this.#over.thrown
        else return yield { kind: 'end', ...this.#over.end }
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.left = true
      this.#wakeGang()
      await this.#freed.promise
    }
  }

  #take(): Output | undefined {
    const prompt = this.#prompt
    this.#prompt = undefined
    if (prompt) return prompt
    if (this.#ids.length > 0) {
      const hungry = this.hungry
      const scores = this.#scores.length > 0 && { scores: this.#scores }
      const output: Output = { kind: 'tokens', ids: this.#ids, texts: this.#texts, ...scores }
      this.#ids = []
      this.#texts = []
      this.#scores = []
      this.#progress = undefined
      if (!hungry) this.#wakeGang()
      return output
    }
    const progress = this.#progress
    this.#progress = undefined
    return progress
  }
}
