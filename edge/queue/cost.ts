import type { Job } from '../../proto/job.ts'

/** A token of an answer takes more of a machine than one of a prompt (the weights of arXiv 2401.00588, section 5). */
const IN = 1
const OUT = 2
/** What a token of English text or JSON takes, more or less; corrected when the prompt was counted. */
const BYTES_A_TOKEN = 4
/** Answers are expected to be this long before any was seen. */
const FIRST_GUESS = 256
/** Of each answer, this share goes into what is expected of the next. */
const LEARNING = 1 / 16

export const costOf = (promptTokens: number, completionTokens: number): number =>
  Math.max(1, IN * promptTokens + OUT * completionTokens)

export const promptTokensIn = (bytes: number): number => Math.ceil(bytes / BYTES_A_TOKEN)

/** How long the answers of a queue are, from those that came to their end. */
export class TypicalLength {
  #tokens = FIRST_GUESS

  learn(completionTokens: number): void {
    this.#tokens += (completionTokens - this.#tokens) * LEARNING
  }

  of(job: Job): number {
    const most = job.kind === 'chat' ? job.sampling.maxTokens : null
    return most === null ? this.#tokens : Math.min(most, this.#tokens)
  }
}
