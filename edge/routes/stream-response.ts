import type { Context } from 'hono'
import type { JobId } from '../../proto/ids.ts'
import { answered } from '../admission/answered.ts'
import type { AppEnv } from '../http.ts'
import type { ResponseStream } from '../responses/response-events.ts'
import { bodyOf } from '../stream/body.ts'
import { STREAM_HEADERS } from './stream-answer.ts'

/** The events of a response, as they come. */
export const streamResponse = (
  c: Context<AppEnv>,
  { opening, events }: ResponseStream,
  { id, hangup }: { id: JobId; hangup: AbortController },
): Response =>
  c.body(bodyOf(events, { opening, onHangup: () => hangup.abort() }), 200, {
    ...answered(c, id),
    ...STREAM_HEADERS,
  })
