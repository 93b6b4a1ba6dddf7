import { createRoute, z } from '@hono/zod-openapi'
import { CreatedKey, KeyList, KeyView, NewKey } from '../../proto/admin.ts'
import { Failure } from '../../proto/failure.ts'
import { KeyId } from '../../proto/ids.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'

const security = [{ key: [] }]
const tags = ['Admin']

const create = createRoute({
  method: 'post',
  path: '/admin/keys',
  tags,
  summary: 'Make a key; its secret is shown this once',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: NewKey } } } },
  responses: {
    201: { description: 'The key', content: { 'application/json': { schema: CreatedKey } } },
    ...failures('invalid', 'unauthenticated', 'forbidden'),
  },
})

const list = createRoute({
  method: 'get',
  path: '/admin/keys',
  tags,
  summary: 'All keys, without their secrets',
  security,
  responses: {
    200: { description: 'The keys', content: { 'application/json': { schema: KeyList } } },
    ...failures('unauthenticated', 'forbidden'),
  },
})

const revoke = createRoute({
  method: 'delete',
  path: '/admin/keys/{id}',
  tags,
  summary: 'Revoke a key, on every gateway within a second',
  security,
  request: { params: z.object({ id: KeyId }) },
  responses: {
    200: { description: 'The revoked key', content: { 'application/json': { schema: KeyView } } },
    ...failures('invalid', 'unauthenticated', 'forbidden', 'not_found'),
  },
})

export const keyRoutes = ({ keyring }: Pick<Ports, 'keyring'>) =>
  router()
    .openapi(create, async (c) =>
      c.json(await keyring.create(c.req.valid('json')), 201, c.var.headers),
    )
    .openapi(list, async (c) => c.json(await keyring.list(), 200, c.var.headers))
    .openapi(revoke, async (c) => {
      const { id } = c.req.valid('param')
      const revoked = await keyring.revoke(id)
      if (!revoked) throw new Failure('not_found', `There is no key ${id}.`, { param: 'id' })
      return c.json(revoked, 200, c.var.headers)
    })
