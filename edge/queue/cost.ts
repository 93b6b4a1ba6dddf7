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
  let chars = 0
  for (const text of textsOf(job)) chars += text.length
  return Math.ceil(chars / CHARS_A_TOKEN) + tokensIn(job)
}

function textsOf(job: Job): readonly string[] {
  if (job.kind === 'duplex') return []
  if (job.kind === 'rerank') return [job.query, ...job.documents]
  if (job.kind === 'embed') return job.inputs.filter((input) => typeof input === 'string')
  return [job.prompt ?? '', ...job.messages.map(({ text }) => text)]
}

/** Of what came as tokens. */
function tokensIn(job: Job): number {
  if (job.kind !== 'embed') return 0
  return job.inputs.reduce((sum, input) => sum + (typeof input === 'string' ? 0 : input.length), 0)
}
