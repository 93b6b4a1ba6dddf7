import { createRoute, z } from '@hono/zod-openapi'
import { IssuerId } from '../../proto/ids.ts'
import { IssuerPage, IssuerQuery, IssuerView, NewIssuer } from '../../proto/issuers.ts'
import { actorOf } from '../auth/actor.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { admin, asked, refusals, told } from './admin-route.ts'

const create = createRoute({
  ...admin,
  method: 'post',
  path: '/admin/issuers',
  summary: "Let a key be opened by tokens that an app's own issuer signs",
  description:
    'HS256 needs `secret`; RS256 and ES256 need `jwksUrl` or `jwks`. The secret is not shown again.',
  request: { body: asked(NewIssuer) },
  responses: { 201: told(IssuerView, 'The issuer'), ...refusals },
})

const list = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/issuers',
  summary: 'Issuers, the newest first, without their secrets',
  request: { query: IssuerQuery },
  responses: { 200: told(IssuerPage, 'A page of issuers'), ...refusals },
})

const remove = createRoute({
  ...admin,
  method: 'delete',
  path: '/admin/issuers/{id}',
  summary: 'Take no more tokens of an issuer, on every gateway within a second',
  request: { params: z.object({ id: IssuerId }) },
  responses: { 200: told(IssuerView, 'The issuer that was'), ...refusals },
})

export const issuerRoutes = ({ tenancy, vault }: Pick<Ports, 'tenancy' | 'vault'>) =>
  router()
    .openapi(create, async (c) => {
      const { secret, ...wanted } = c.req.valid('json')
      const sealed = secret === undefined ? {} : { secret: await vault.seal(secret) }
      const made = await tenancy.createIssuer(actorOf(c), { ...wanted, ...sealed })
      return c.json(made, 201, c.var.headers)
    })
    .openapi(list, async (c) =>
      c.json(await tenancy.listIssuers(actorOf(c), c.req.valid('query')), 200, c.var.headers),
    )
    .openapi(remove, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(await tenancy.removeIssuer(actorOf(c), id), 200, c.var.headers)
    })
