import { FRAME_HEADER_BYTES, textOf, type End } from '../../proto/frame.ts'
import type { ChatCompletion } from '../../proto/openai/chat.ts'

const blocks = new TextDecoder('utf-8', { ignoreBOM: true })

/** What is the same in every event of one answer. */
export interface ChatHead {
  id: string
  /** Seconds since 1970. */
  created: number
  model: string
}

export const usageOf = (end: End, completionTokens: number): ChatCompletion['usage'] => ({
  prompt_tokens: end.promptTokens,
  completion_tokens: completionTokens,
  total_tokens: end.promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: end.cachedTokens },
})

/** What a frame shows: the text of its tokens, or, of a duplex job, its block read as text. */
export function pieceOf(bytes: Uint8Array, frame: { kind: string; count: number }): string {
  if (frame.kind === 'tokens') return textOf(bytes, frame.count)
  return frame.kind === 'bytes' ? blocks.decode(bytes.subarray(FRAME_HEADER_BYTES)) : ''
}
