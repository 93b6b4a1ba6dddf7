import { createRoute, z } from '@hono/zod-openapi'
import { Model, ModelList } from '../../proto/openai/models.ts'
import { mayUse, requireModel } from '../auth/require-model.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { failures, router } from '../http.ts'
import type { Ports, Served } from '../ports.ts'

const list = createRoute({
  method: 'get',
  path: '/v1/models',
  tags: ['Models'],
  summary: 'The models that workers told of in the last ten minutes',
  security: [{ key: [] }],
  responses: {
    200: { description: 'All models', content: { 'application/json': { schema: ModelList } } },
    ...failures('unauthenticated', 'forbidden', 'rate_limited'),
  },
})

const retrieve = createRoute({
  method: 'get',
  path: '/v1/models/{model}',
  tags: ['Models'],
  summary: 'One model',
  security: [{ key: [] }],
  request: { params: z.object({ model: z.string().max(200) }) },
  responses: {
    200: { description: 'The model', content: { 'application/json': { schema: Model } } },
    ...failures('unauthenticated', 'model_forbidden', 'model_not_found', 'rate_limited'),
  },
})

export const modelRoutes = ({ catalogue }: Pick<Ports, 'catalogue'>) =>
  router()
    .openapi(list, async (c) => {
      const key = c.get('key')
      const models = (await catalogue.list()).filter(({ id }) => mayUse(key, id))
      return c.json({ object: 'list' as const, data: models.map(viewOf) }, 200, c.var.headers)
    })
    .openapi(retrieve, async (c) => {
      const { model } = c.req.valid('param')
      requireModel(c.get('key'), model)
      const served = await catalogue.find(model)
      if (!served) throw unknownModel(model)
      return c.json(viewOf(served), 200, c.var.headers)
    })

const viewOf = ({ id, kind, createdAtMs }: Served): Model => ({
  id,
  object: 'model',
  created: Math.floor(createdAtMs / 1000),
  owned_by: 'june',
  kind,
})
