import { createRoute, z } from '@hono/zod-openapi'
import {
  CreatedKey,
  KeyList,
  KeyPatch,
  KeyQuery,
  KeyView,
  NewKey,
  Rotation,
} from '../../proto/admin.ts'
import { KeyId } from '../../proto/ids.ts'
import { actorOf } from '../auth/actor.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { admin, asked, refusals, told } from './admin-route.ts'

const params = z.object({ id: KeyId })

const create = createRoute({
  ...admin,
  method: 'post',
  path: '/admin/keys',
  summary: 'Make a key; its secret is shown this once',
  request: { body: asked(NewKey) },
  responses: { 201: told(CreatedKey, 'The key'), ...refusals },
})

const list = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/keys',
  summary: 'Keys, the newest first, without their secrets',
  request: { query: KeyQuery },
  responses: { 200: told(KeyList, 'A page of keys'), ...refusals },
})

const read = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/keys/{id}',
  summary: 'One key',
  request: { params },
  responses: { 200: told(KeyView, 'The key'), ...refusals },
})

const update = createRoute({
  ...admin,
  method: 'patch',
  path: '/admin/keys/{id}',
  summary: 'Change what a key is called, is held to and may take',
  request: { params, body: asked(KeyPatch) },
  responses: { 200: told(KeyView, 'The key as it is now'), ...refusals },
})

const rotate = createRoute({
  ...admin,
  method: 'post',
  path: '/admin/keys/{id}/rotate',
  summary: 'Give a key a new secret, which is shown this once',
  description:
    'The secret before it goes on opening the key for `overlapSeconds`; any before that ends at once.',
  request: { params, body: asked(Rotation) },
  responses: { 200: told(CreatedKey, 'The key with its new secret'), ...refusals },
})

const revoke = createRoute({
  ...admin,
  method: 'delete',
  path: '/admin/keys/{id}',
  summary: 'Revoke a key, on every gateway within a second',
  request: { params },
  responses: { 200: told(KeyView, 'The revoked key'), ...refusals },
})

export const keyRoutes = ({ tenancy }: Pick<Ports, 'tenancy'>) =>
  router()
    .openapi(create, async (c) =>
      c.json(await tenancy.createKey(actorOf(c), c.req.valid('json')), 201, c.var.headers),
    )
    .openapi(list, async (c) =>
      c.json(await tenancy.listKeys(actorOf(c), c.req.valid('query')), 200, c.var.headers),
    )
    .openapi(read, async (c) =>
      c.json(await tenancy.readKey(actorOf(c), c.req.valid('param').id), 200, c.var.headers),
    )
    .openapi(update, async (c) => {
      const { id } = c.req.valid('param')
      const key = await tenancy.updateKey(actorOf(c), [id, c.req.valid('json')])
      return c.json(key, 200, c.var.headers)
    })
    .openapi(rotate, async (c) => {
      const { id } = c.req.valid('param')
      const key = await tenancy.rotateKey(actorOf(c), [id, c.req.valid('json')])
      return c.json(key, 200, c.var.headers)
    })
    .openapi(revoke, async (c) =>
      c.json(await tenancy.revokeKey(actorOf(c), c.req.valid('param').id), 200, c.var.headers),
    )
