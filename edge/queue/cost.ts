import type { Job } from '../../proto/job.ts'

/** A token of an answer takes more of a machine than one of a prompt (the weights of arXiv 2401.00588, section 5). */
const IN = 1
const OUT = 2
/** What a token of English text has, more or less; corrected when the prompt was counted. */
const CHARS_A_TOKEN = 4

export const costOf = (promptTokens: number, completionTokens: number): number =>
  Math.max(1, IN * promptTokens + OUT * completionTokens)

/** How many tokens a prompt may have that nobody has counted yet. */
export function promptGuess(job: Job): number {
  if (job.kind === 'duplex') return 0
  let chars = job.prompt?.length ?? 0
  for (const { text } of job.messages) chars += text.length
  return Math.ceil(chars / CHARS_A_TOKEN)
}
