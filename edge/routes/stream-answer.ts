import type { Context } from 'hono'
import { answered } from '../admission/answered.ts'
import type { AppEnv } from '../http.ts'
import type { Log } from '../ports.ts'
import { bodyOf, KEEP_ALIVE_LINE } from '../stream/body.ts'
import type { Choice } from '../stream/chat-completion.ts'
import { chatEvents, chatOpening } from '../stream/chat-events.ts'

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
  choices: readonly [Choice, ...Choice[]],
  { includeUsage, log, hangup, ids, after }: StreamOptions,
): Response {
  const [{ head }] = choices
  const job = ids ? head.id : undefined
  const events = chatEvents(choices, {
    includeUsage,
    log,
    signal: hangup.signal,
    after: after ?? 0,
    ...(job && { job }),
  })
  const opening =
    after === undefined
      ? chatOpening(head, { includeUsage, choices: choices.length, job })
      : keepAlive
  return c.body(bodyOf(events, { opening, onHangup: () => hangup.abort() }), 200, {
    ...answered(c, head.id),
    ...STREAM_HEADERS,
  })
}
