import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { Answer, Log } from '../ports.ts'
import { KEEP_ALIVE_LINE } from './body.ts'
import { pieceOf, usageOf, type ChatHead } from './chat-parts.ts'

const utf8 = new TextEncoder()

interface ChatEventsOptions {
  includeUsage: boolean
  log: Log
  /** Aborted when the reader left: there is no one to tell anything. */
  signal: AbortSignal
}

/**
 * A chat answer as server-sent events, exactly as OpenAI's SDKs read them: one event a frame, then `[DONE]`. A
 * stream that failed ends with an error event and without `[DONE]`, so that no client takes it for whole.
 */
export async function* chatEvents(
  answer: Answer,
  head: ChatHead,
  options: ChatEventsOptions,
): AsyncGenerator<Uint8Array> {
  const usage = options.includeUsage ? ',"usage":null' : ''
  const base = `data: {"id":${JSON.stringify(head.id)},"object":"chat.completion.chunk","created":${head.created},"model":${JSON.stringify(head.model)}`
  const before = `${base},"choices":[{"index":0,"delta":{"content":`
  const after = `},"logprobs":null,"finish_reason":null}]${usage}}\n\n`
  let completionTokens = 0
  let ended = false
  try {
    yield utf8.encode(
      // The first line sends the headers off even through a proxy that waits for a byte.
      `${KEEP_ALIVE_LINE}${base},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usage}}\n\n`,
    )
    for await (const frames of answer) {
      let text = ''
      for (const bytes of frames) {
        const frame = frameHead(bytes)
        if (!frame) continue
        completionTokens += frame.count
        const piece = pieceOf(bytes, frame)
        if (piece) text += `${before}${JSON.stringify(piece)}${after}`
        if (frame.kind !== 'end') continue
        text += ending(bytes, { base, usage, completionTokens })
        ended = true
      }
      if (text) yield utf8.encode(text)
    }
    if (!ended) throw new Failure('internal', 'The answer ended without its last frame.')
  } catch (thrown) {
    if (options.signal.aborted || ended) return
    const failure = Failure.from(thrown)
    options.log.warn(
      { id: head.id, code: failure.code, cause: failure.cause },
      'a stream ended with an error',
    )
    yield utf8.encode(`data: ${JSON.stringify(failure.toOpenAi())}\n\n`)
  }

  function ending(
    bytes: Uint8Array,
    at: { base: string; usage: string; completionTokens: number },
  ): string {
    const end = decodeFrame(bytes) as { kind: 'end' } & End
    const last = `${at.base},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"${end.finish}"}]${at.usage}}\n\n`
    const total = options.includeUsage
      ? `${at.base},"choices":[],"usage":${JSON.stringify(usageOf(end, at.completionTokens))}}\n\n`
      : ''
    return `${last}${total}data: [DONE]\n\n`
  }
}
