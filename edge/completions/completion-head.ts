import type { Usage as Used } from '../../proto/ledger.ts'
import type { Completion } from '../../proto/openai/completions.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'

/** What is the same in every event of one completion. */
export type CompletionHead = Omit<Completion, 'choices' | 'usage'>

/** A completion is called after the job of its first choice. */
export const completionHeadOf = ({
  id,
  model,
  admittedAtMs,
  reading: { fingerprint },
}: Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs' | 'reading'>): CompletionHead => ({
  id: `cmpl-${id.slice('job_'.length)}`,
  object: 'text_completion',
  created: Math.floor(admittedAtMs / 1000),
  model,
  ...(fingerprint !== undefined && { system_fingerprint: fingerprint }),
})

/** Of all choices together. A prompt counts once, however many choices it has. */
export class UsageSum {
  #promptTokens = 0
  #cachedTokens = 0
  #completionTokens = 0

  add({ promptTokens, cachedTokens, completionTokens }: Used, counts: boolean): void {
    if (counts) {
      this.#promptTokens += promptTokens
      this.#cachedTokens += cachedTokens
    }
    this.#completionTokens += completionTokens
  }

  get usage(): Completion['usage'] {
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: this.#completionTokens,
      total_tokens: this.#promptTokens + this.#completionTokens,
      prompt_tokens_details: { cached_tokens: this.#cachedTokens },
    }
  }
}
