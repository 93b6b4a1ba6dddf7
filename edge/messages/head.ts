import type { Part } from '../stream/parts.ts'
import type { MessagesResponse } from '../../proto/anthropic/messages.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'

/** What is known of a message before its first word. */
export const messageHead = ({ id, model }: Pick<AnswerHead, 'id' | 'model'>): MessagesResponse => ({
  id: `msg_${id.slice(4)}`,
  type: 'message',
  role: 'assistant',
  model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
  // The gateway reads no tokens: how many the prompt has, the worker says at the end.
  usage: {
    input_tokens: 0,
    output_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  },
})

export type End = Extract<Part, { kind: 'end' }>

export const endingOf = ({
  finish,
  stop,
}: End): Pick<MessagesResponse, 'stop_reason' | 'stop_sequence'> => ({
  stop_reason:
    finish === 'length'
      ? 'max_tokens'
      : finish === 'tool_calls'
        ? 'tool_use'
        : stop === undefined
          ? 'end_turn'
          : 'stop_sequence',
  stop_sequence: stop ?? null,
})

export const usageOf = ({ usage }: End): MessagesResponse['usage'] => ({
  input_tokens: usage.promptTokens - usage.cachedTokens,
  output_tokens: usage.completionTokens,
  cache_read_input_tokens: usage.cachedTokens,
  cache_creation_input_tokens: 0,
})
