import { createRoute, z } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { ResponseEvent } from '../../proto/openai/response-events.ts'
import { DeletedResponse, ItemList, ResponseObject } from '../../proto/openai/responses.ts'
import { jobOfResponse, responseIdOf } from '../../proto/stored-response.ts'
import { answered } from '../admission/answered.ts'
import { hangupOf } from '../admission/hangup.ts'
import { failures, router } from '../http.ts'
import type { Looked, Ports, Responses } from '../ports.ts'
import { firstOf, responseIn } from '../responses/look-at.ts'
import { pageOf } from '../responses/page.ts'
import { responseEvents, retoldEvents, type ResponseStream } from '../responses/response-events.ts'
import { oneByOne } from '../stream/one-by-one.ts'
import { partsOf } from '../stream/parts.ts'
import { MAX_POSITION } from '../stream/position.ts'
import { streamResponse } from './stream-response.ts'
import { json, security } from './described.ts'

const params = z.object({ response_id: z.string().max(200) })
const tags = ['Responses']
const refusals = failures('unauthenticated', 'not_found', 'rate_limited', 'unavailable')

const get = createRoute({
  method: 'get',
  path: '/v1/responses/{response_id}',
  tags,
  summary: 'A stored response as it is now, or its events from any of them on',
  security,
  request: {
    params,
    query: z.object({
      stream: z.enum(['true', 'false']).optional(),
      /** The number of the last event that the reader has. */
      starting_after: z.coerce.number().int().min(-1).max(MAX_POSITION).optional(),
    }),
  },
  responses: {
    200: {
      description: 'The response; with "stream=true", the events after "starting_after"',
      content: {
        'application/json': { schema: ResponseObject },
        'text/event-stream': { schema: ResponseEvent },
      },
    },
    ...failures('invalid'),
    ...refusals,
  },
})

const cancel = createRoute({
  method: 'post',
  path: '/v1/responses/{response_id}/cancel',
  tags,
  summary: 'Cancel a response that is being made',
  security,
  request: { params },
  responses: { 200: json('The response as it is then', ResponseObject), ...refusals },
})

const remove = createRoute({
  method: 'delete',
  path: '/v1/responses/{response_id}',
  tags,
  summary: 'Delete a stored response; one that is being made is cancelled',
  security,
  request: { params },
  responses: { 200: json('It is deleted', DeletedResponse), ...refusals },
})

const items = createRoute({
  method: 'get',
  path: '/v1/responses/{response_id}/input_items',
  tags,
  summary: 'What a stored response was given, page by page',
  security,
  request: {
    params,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(100).default(20),
      order: z.enum(['asc', 'desc']).default('desc'),
      after: z.string().max(200).optional(),
    }),
  },
  responses: { 200: json('One page of items', ItemList), ...failures('invalid'), ...refusals },
})

export const storedResponseRoutes = ({
  answers,
  responses,
  log,
}: Pick<Ports, 'answers' | 'responses' | 'log'>) => {
  const ended = async (id: string, tenant: string): Promise<Looked> => {
    const looked = await lookAt(responses, id, tenant)
    if (looked.fate.state === 'over') return looked
    try {
      await answers.cancel(looked.asked.id, tenant)
    } catch (thrown) {
      // It may have ended by itself just now.
      const again = await lookAt(responses, id, tenant)
      if (again.fate.state === 'over') return again
      throw thrown
    }
    return lookAt(responses, id, tenant)
  }

  return router()
    .openapi(get, async (c) => {
      const { response_id: id } = c.req.valid('param')
      const { stream, starting_after: after = -1 } = c.req.valid('query')
      const tenant = c.get('key').project
      const looked = await lookAt(responses, id, tenant)
      const job = looked.asked.id
      if (stream !== 'true') return c.json(responseIn(looked), 200, answered(c, job))
      const hangup = hangupOf(c)
      const { signal } = hangup
      const told = await live(looked).catch(async (thrown: unknown): Promise<ResponseStream> => {
        // It may have ended just now, and badly.
        const again = await lookAt(responses, id, tenant)
        if (again.fate.state !== 'over') throw thrown
        return retoldEvents(again, after)
      })
      return streamResponse(c, told, { id: job, hangup })

      async function live(now: Looked): Promise<ResponseStream> {
        if (now.fate.state === 'over') return retoldEvents(now, after)
        const { head, answer } = await answers.resume(job, { tenant, after: 0, signal })
        const parts = partsOf(oneByOne(answer), head)
        return responseEvents(parts, firstOf(now), { after, log, signal })
      }
    })
    .openapi(cancel, async (c) => {
      const looked = await ended(c.req.valid('param').response_id, c.get('key').project)
      return c.json(responseIn(looked), 200, answered(c, looked.asked.id))
    })
    .openapi(remove, async (c) => {
      const { asked } = await ended(c.req.valid('param').response_id, c.get('key').project)
      await responses.remove(asked.id)
      const deleted = { id: responseIdOf(asked.id), object: 'response', deleted: true } as const
      return c.json(deleted, 200, c.get('headers'))
    })
    .openapi(items, async (c) => {
      const { response_id: id } = c.req.valid('param')
      const { asked } = await lookAt(responses, id, c.get('key').project)
      return c.json(pageOf(asked.input, c.req.valid('query')), 200, c.get('headers'))
    })
}

async function lookAt(responses: Responses, id: string, tenant: string): Promise<Looked> {
  const job = jobOfResponse(id)
  const looked = job && (await responses.look(job, tenant))
  if (looked) return looked
  throw new Failure('not_found', `Response with id '${id}' not found.`, { param: 'response_id' })
}
