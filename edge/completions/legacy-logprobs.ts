import type { Logprobs } from '../../proto/openai/chat.ts'
import type { CompletionLogprobs } from '../../proto/openai/completions.ts'

/**
 * Log probabilities as completions tell them. The tokens of one text are told of together; where several names are the
 * same, the likeliest counts.
 */
export function legacyLogprobs(
  logprobs: Logprobs | null,
  { text, offset }: { text: string; offset: number },
): CompletionLogprobs | null {
  if (!logprobs) return null
  const told: CompletionLogprobs = {
    tokens: [],
    token_logprobs: [],
    top_logprobs: [],
    text_offset: [],
  }
  let at = offset
  const end = offset + text.length
  for (const { token, logprob, top_logprobs: top } of logprobs.content) {
    told.tokens.push(token)
    told.token_logprobs.push(logprob)
    const likeliest = top.toReversed().map((one) => [one.token, one.logprob] as const)
    told.top_logprobs.push(Object.fromEntries([...likeliest, [token, logprob]]))
    told.text_offset.push(at)
    // A token may say more than it shows: what a stop string ended is not in the text.
    at = Math.min(at + token.length, end)
  }
  return told
}

/** The same of several texts, one after the other. */
export function addLogprobs(
  all: CompletionLogprobs | null,
  more: CompletionLogprobs | null,
): CompletionLogprobs | null {
  if (!all || !more) return all ?? more
  all.tokens.push(...more.tokens)
  all.token_logprobs.push(...more.token_logprobs)
  all.top_logprobs.push(...more.top_logprobs)
  all.text_offset.push(...more.text_offset)
  return all
}
