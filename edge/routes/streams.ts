import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { JobId } from '../../proto/ids.ts'
import { ChatCompletionChunk } from '../../proto/openai/chat.ts'
import { hangupOf } from '../admission/hangup.ts'
import { failures, router, type AppEnv } from '../http.ts'
import type { Ports } from '../ports.ts'
import { MAX_POSITION, notOfThis, positionIn, type Position } from '../stream/position.ts'
import { streamCompletion } from './stream-completion.ts'
import { streamAnswer } from './stream-answer.ts'

const params = z.object({ id: JobId })

const resume = createRoute({
  method: 'get',
  path: '/v1/streams/{id}',
  tags: ['Chat'],
  summary: 'The rest of an answer that was asked for with x-stream-resume or an Idempotency-Key',
  description:
    'While it is made, and for a day after. `after` is how many of its tokens the reader has; without it the answer begins anew.',
  security: [{ key: [] }],
  request: {
    params,
    query: z.object({ after: z.coerce.number().int().min(0).max(MAX_POSITION).optional() }),
  },
  responses: {
    200: {
      description: 'Events of chunks with ids, then [DONE]',
      content: { 'text/event-stream': { schema: ChatCompletionChunk } },
    },
    ...failures('invalid', 'unauthenticated', 'not_found', 'rate_limited', 'unavailable'),
  },
})

const end = createRoute({
  method: 'delete',
  path: '/v1/streams/{id}',
  tags: ['Chat'],
  summary: 'Cancel an answer that is being made',
  security: [{ key: [] }],
  request: { params },
  responses: {
    200: {
      description: 'It is cancelled',
      content: {
        'application/json': { schema: z.object({ id: JobId, cancelled: z.literal(true) }) },
      },
    },
    ...failures('unauthenticated', 'not_found', 'rate_limited'),
  },
})

export const streamRoutes = ({ answers, log }: Pick<Ports, 'answers' | 'log'>) =>
  router()
    .openapi(resume, (c) => {
      const job = c.req.valid('param').id
      const { after } = c.req.valid('query')
      const position =
        after === undefined ? positionIn(c.req.header('last-event-id')) : { job, after }
      if (position && position.job !== job) throw notOfThis()
      return resumeAnswer(c, position ?? { job }, { answers, log })
    })
    .openapi(end, async (c) => {
      const { id } = c.req.valid('param')
      await answers.cancel(id, c.get('key').project)
      return c.json({ id, cancelled: true as const }, 200, c.get('headers'))
    })

/** The rest of an answer, from a position on. */
export async function resumeAnswer(
  c: Context<AppEnv>,
  { job, after }: Omit<Position, 'after'> & { after?: number },
  { answers, log }: Pick<Ports, 'answers' | 'log'>,
): Promise<Response> {
  const hangup = hangupOf(c)
  const { signal } = hangup
  const tenant = c.get('key').project
  const { head, answer } = await answers.resume(job, { tenant, after: after ?? 0, signal })
  if (head.reading.told === 'completion') {
    const choice = { index: 0, echo: '', counts: true, head, answer, stored: false }
    const { includeUsage } = head.reading
    const at = after === undefined ? {} : { after }
    return streamCompletion(c, [choice], { head, includeUsage, log, hangup, ids: true, ...at })
  }
  return streamAnswer(c, [{ head, answer }], {
    includeUsage: head.reading.includeUsage,
    log,
    hangup,
    ids: true,
    ...(after === undefined ? {} : { after }),
  })
}
