import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { Answer, Log } from '../ports.ts'
import type { JobId } from '../../proto/ids.ts'
import { KEEP_ALIVE_LINE } from './body.ts'
import { logprobsOf, pieceOf, usageOf, type ChatHead } from './chat-parts.ts'
import { ahead, ENDINGS, idLine } from './position.ts'

const utf8 = new TextEncoder()

/** The first event of a chat, which names the role. Its first line gets past a proxy that waits for a byte. */
export const chatOpening = (
  head: ChatHead,
  { includeUsage, job }: Pick<ChatEventsOptions, 'includeUsage' | 'job'>,
): Uint8Array =>
  utf8.encode(
    `${KEEP_ALIVE_LINE}${job ? idLine(job, 0) : ''}${baseOf(head)},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usageIn(includeUsage)}}\n\n`,
  )

const baseOf = ({ id, created, model }: ChatHead): string =>
  `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)}`
const usageIn = (included: boolean): string => (included ? ',"usage":null' : '')

interface ChatEventsOptions {
  includeUsage: boolean
  log: Log
  /** Aborted when the reader left: there is no one to tell anything. */
  signal: AbortSignal
  /** For a reader that may come back: every event then says the position that it leads to. */
  job?: JobId
  /** The position that the reader is at. */
  after: number
}

/**
 * A chat answer as server-sent events, exactly as OpenAI's SDKs read them: one event a frame after the opening, then
 * `[DONE]`. A stream that failed ends with an error event and without `[DONE]`, so that no client takes it for whole.
 */
export async function* chatEvents(
  answer: Answer,
  head: ChatHead,
  options: ChatEventsOptions,
): AsyncGenerator<Uint8Array> {
  const { job } = options
  const usage = usageIn(options.includeUsage)
  const base = baseOf(head)
  const before = `${base},"choices":[{"index":0,"delta":{"content":`
  const after = `,"finish_reason":null}]${usage}}\n\n`
  let ended = false
  try {
    for await (const frames of answer) {
      let text = ''
      for (const bytes of frames) {
        const frame = frameHead(bytes)
        if (!frame) continue
        const piece = pieceOf(bytes, frame)
        // A token that shows nothing has a probability all the same.
        const logprobs = logprobsOf(bytes, frame)
        if (piece || logprobs) {
          if (job) text += idLine(job, frame.seq + frame.count)
          const told = logprobs ? JSON.stringify(logprobs) : 'null'
          text += `${before}${JSON.stringify(piece)}},"logprobs":${told}${after}`
        }
        if (frame.kind !== 'end') continue
        if (options.after > frame.seq + ENDINGS) throw ahead(options.after, frame.seq + ENDINGS)
        text += ending(bytes, frame.seq)
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

  /** The finish and the usage have a position each, so that a reader that comes back gets neither twice. */
  function ending(bytes: Uint8Array, total: number): string {
    const end = decodeFrame(bytes) as { kind: 'end' } & End
    const finish = `${base},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"${end.finish}"}]${usage}}\n\n`
    const used = `${base},"choices":[],"usage":${JSON.stringify(usageOf(end, total))}}\n\n`
    let text = ''
    if (options.after <= total) text += `${job ? idLine(job, total + 1) : ''}${finish}`
    if (options.includeUsage && options.after <= total + 1)
      text += `${job ? idLine(job, total + 2) : ''}${used}`
    return `${text}data: [DONE]\n\n`
  }
}
