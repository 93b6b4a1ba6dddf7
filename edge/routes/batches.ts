import { createRoute, z } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { BatchList, BatchObject, BatchQuery, NewBatch } from '../../proto/openai/batches.ts'
import { missingScopes, requireRoute } from '../auth/require-route.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { json, pageOf, security } from './described.ts'

const params = z.object({ batch_id: z.string().max(100) })
const tags = ['Batches']
const refusals = failures('unauthenticated', 'forbidden', 'not_found', 'rate_limited')

const create = createRoute({
  method: 'post',
  path: '/v1/batches',
  tags,
  summary: 'Carry out the requests of a file within a day, at half the weight and the price',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: NewBatch } } } },
  responses: { 200: json('The batch', BatchObject), ...failures('invalid'), ...refusals },
})

const list = createRoute({
  method: 'get',
  path: '/v1/batches',
  tags,
  summary: 'The batches of the project, the newest first',
  security,
  request: { query: BatchQuery },
  responses: { 200: json('One page of batches', BatchList), ...failures('invalid'), ...refusals },
})

const get = createRoute({
  method: 'get',
  path: '/v1/batches/{batch_id}',
  tags,
  summary: 'A batch as it is now',
  security,
  request: { params },
  responses: { 200: json('The batch', BatchObject), ...refusals },
})

const cancel = createRoute({
  method: 'post',
  path: '/v1/batches/{batch_id}/cancel',
  tags,
  summary: 'Cancel a batch; what was answered by then is kept',
  security,
  request: { params },
  responses: { 200: json('The batch as it is then', BatchObject), ...refusals },
})

export const batchRoutes = ({ batches, files }: Pick<Ports, 'batches' | 'files'>) =>
  router()
    .openapi(create, async (c) => {
      const wanted = c.req.valid('json')
      const key = c.get('key')
      // A batch is carried out as the key, for a day: without the user, the limits and the end of a token.
      if (key.minted) throw missingScopes('batches')
      // A key that may not ask now may not ask later.
      requireRoute(key, wanted.endpoint)
      const file = await files.find(key.project, wanted.input_file_id)
      if (!file || file.purpose !== 'batch')
        throw new Failure(
          'invalid',
          file
            ? `The file '${file.id}' was uploaded with purpose "${file.purpose}": upload it with "batch".`
            : `There is no file '${wanted.input_file_id}' in this project.`,
          { param: 'input_file_id' },
        )
      const batch = await batches.create(key.project, key.id, wanted)
      batches.stir()
      return c.json(batch, 200, c.var.headers)
    })
    .openapi(list, async (c) => {
      const query = c.req.valid('query')
      const found = await batches.list(c.get('key').project, query)
      return c.json(pageOf(found, query.limit), 200, c.var.headers)
    })
    .openapi(get, async (c) => {
      const { batch_id: id } = c.req.valid('param')
      return c.json(known(await batches.find(c.get('key').project, id), id), 200, c.var.headers)
    })
    .openapi(cancel, async (c) => {
      const { batch_id: id } = c.req.valid('param')
      const batch = known(await batches.cancel(c.get('key').project, id), id)
      batches.stir()
      return c.json(batch, 200, c.var.headers)
    })

function known(batch: BatchObject | undefined, id: string): BatchObject {
  if (batch) return batch
  throw new Failure('not_found', `There is no batch '${id}' in this project.`, {
    param: 'batch_id',
  })
}
