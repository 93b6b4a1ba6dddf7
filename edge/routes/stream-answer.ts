import type { Context } from 'hono'
import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import { monotonicMs } from '../clock.ts'
import type { AppEnv } from '../http.ts'
import type { Answer, Log } from '../ports.ts'
import { bodyOf, KEEP_ALIVE_LINE } from '../stream/body.ts'
import { chatEvents, chatOpening } from '../stream/chat-events.ts'
import type { ChatHead } from '../stream/chat-parts.ts'

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

const keepAlive = new TextEncoder().encode(KEEP_ALIVE_LINE)

interface StreamOptions {
  includeUsage: boolean
  log: Log
  hangup: AbortController
  /** Whether events carry ids. */
  ids: boolean
  /** The position of a reader that was here before; nothing for one that begins. */
  after?: number
}

/** An answer as an event stream. */
export function streamAnswer(
  c: Context<AppEnv>,
  answer: Answer,
  head: Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs'>,
  { includeUsage, log, hangup, ids, after }: StreamOptions,
): Response {
  const chat = chatHeadOf(head)
  const job = ids ? { job: head.id } : {}
  const events = chatEvents(answer, chat, {
    includeUsage,
    log,
    signal: hangup.signal,
    after: after ?? 0,
    ...job,
  })
  const opening = after === undefined ? chatOpening(chat, { includeUsage, ...job }) : keepAlive
  return c.body(bodyOf(events, { opening, onHangup: () => hangup.abort() }), 200, {
    ...answered(c, head.id),
    ...STREAM_HEADERS,
  })
}

/** The headers of an answer that begins now. */
export function answered(c: Context<AppEnv>, id: JobId): Record<string, string> {
  const headers = c.get('headers')
  headers['x-generation-id'] = id
  headers['openai-processing-ms'] = String(Math.round(monotonicMs() - c.get('startedAtMs')))
  return headers
}

/** Aborted when the client goes, also before its answer began. */
export function hangupOf(c: Context<AppEnv>): AbortController {
  const hangup = new AbortController()
  const { signal } = c.req.raw
  signal.addEventListener('abort', () => hangup.abort(), { once: true })
  // A listener hears nothing of what was over before it came.
  if (signal.aborted) hangup.abort()
  return hangup
}

export const chatHeadOf = ({
  id,
  model,
  admittedAtMs,
}: Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs'>): ChatHead => ({
  id: `chatcmpl-${id.slice(4)}`,
  created: Math.floor(admittedAtMs / 1000),
  model,
})

/** What `x-stream-resume` may say. */
export function wantsResume(header: string | undefined): boolean {
  if (header === undefined || header === '0') return false
  if (header === '1') return true
  throw new Failure('invalid', 'x-stream-resume must be 1, or not be there.', {
    param: 'x-stream-resume',
  })
}
