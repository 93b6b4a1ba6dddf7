import type { Context } from 'hono'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import { answered } from '../admission/answered.ts'
import type { AppEnv } from '../http.ts'
import type { Answer, Log } from '../ports.ts'
import { bodyOf, KEEP_ALIVE_LINE } from '../stream/body.ts'
import { chatEvents, chatOpening } from '../stream/chat-events.ts'
import type { ChatHead } from '../stream/chat-parts.ts'

/** Of every event stream: no proxy may keep it back. */
export const STREAM_HEADERS = {
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

export const chatHeadOf = ({
  id,
  model,
  admittedAtMs,
}: Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs'>): ChatHead => ({
  id: `chatcmpl-${id.slice(4)}`,
  created: Math.floor(admittedAtMs / 1000),
  model,
})
