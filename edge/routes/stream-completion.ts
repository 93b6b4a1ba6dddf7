import type { Context } from 'hono'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import { answered } from '../admission/answered.ts'
import type { Choice } from '../completions/choices.ts'
import { completionEvents } from '../completions/completion-events.ts'
import { completionHeadOf } from '../completions/completion-head.ts'
import type { AppEnv } from '../http.ts'
import type { Log } from '../ports.ts'
import { bodyOf } from '../stream/body.ts'
import { STREAM_HEADERS } from './stream-answer.ts'

interface StreamOptions {
  /** Of the first choice, which names them all. */
  head: AnswerHead
  includeUsage: boolean
  log: Log
  hangup: AbortController
  /** Whether events carry ids. */
  ids: boolean
  /** The position of a reader that was here before; nothing for one that begins. */
  after?: number
}

/** Completions as an event stream. */
export function streamCompletion(
  c: Context<AppEnv>,
  choices: readonly Choice[],
  { head, includeUsage, log, hangup, ids, after }: StreamOptions,
): Response {
  const { opening, events } = completionEvents(choices, completionHeadOf(head), {
    includeUsage,
    log,
    hangup,
    ...(ids && { job: head.id }),
    ...(after === undefined ? {} : { after }),
  })
  return c.body(bodyOf(events, { opening, onHangup: () => hangup.abort() }), 200, {
    ...answered(c, head.id),
    ...STREAM_HEADERS,
  })
}
