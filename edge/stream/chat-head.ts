import type { ChatCompletion, ChatCompletionChunk } from '../../proto/openai/chat.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { EndPart } from './parts.ts'

/** What is the same in every event of one answer, and in a whole one. */
export type ChatHead = Pick<
  ChatCompletionChunk,
  'id' | 'created' | 'model' | 'service_tier' | 'system_fingerprint'
>

export const chatHeadOf = ({
  id,
  model,
  admittedAtMs,
  reading,
}: Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs' | 'reading'>): ChatHead => ({
  id: `chatcmpl-${id.slice(4)}`,
  // Seconds since 1970.
  created: Math.floor(admittedAtMs / 1000),
  model,
  ...(reading.tier && { service_tier: reading.tier }),
  system_fingerprint: reading.fingerprint ?? null,
})

type Used = EndPart['usage']

/** Of all choices of one answer: they share the prompt, which is counted once. */
export function usageOf(choices: readonly Used[], thinks: boolean): ChatCompletion['usage'] {
  const sum = (count: (used: Used) => number): number =>
    choices.reduce((total, used) => total + count(used), 0)
  const prompt = choices[0]?.promptTokens ?? 0
  const completion = sum(({ completionTokens }) => completionTokens)
  const reasoning = sum(({ reasoningTokens }) => reasoningTokens)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: choices[0]?.cachedTokens ?? 0 },
    ...(thinks && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  }
}
