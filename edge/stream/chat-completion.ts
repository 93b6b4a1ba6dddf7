import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { ChatCompletion, TokenLogprob } from '../../proto/openai/chat.ts'
import type { Answer } from '../ports.ts'
import { logprobsOf, pieceOf, usageOf, type ChatHead } from './chat-parts.ts'

/** The whole answer at once, for a caller that does not stream. */
export async function chatCompletion(answer: Answer, head: ChatHead): Promise<ChatCompletion> {
  let content = ''
  const logprobs: TokenLogprob[] = []
  let completionTokens = 0
  let end: End | undefined
  for await (const frames of answer)
    for (const bytes of frames) {
      const frame = frameHead(bytes)
      if (!frame) continue
      completionTokens += frame.count
      content += pieceOf(bytes, frame)
      for (const token of logprobsOf(bytes, frame)?.content ?? []) logprobs.push(token)
      if (frame.kind === 'end') end = decodeFrame(bytes) as { kind: 'end' } & End
    }
  if (!end) throw new Failure('internal', 'The answer ended without its last frame.')
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
        finish_reason: end.finish,
      },
    ],
    usage: usageOf(end, completionTokens),
  }
}
