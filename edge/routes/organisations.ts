import { createRoute, z } from '@hono/zod-openapi'
import { OrganisationId } from '../../proto/ids.ts'
import {
  NewOrganisation,
  OrganisationPage,
  OrganisationPatch,
  OrganisationView,
} from '../../proto/organisations.ts'
import { Paging } from '../../proto/paging.ts'
import { actorOf } from '../auth/actor.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { admin, asked, refusals, told } from './admin-route.ts'

const params = z.object({ id: OrganisationId })

const create = createRoute({
  ...admin,
  method: 'post',
  path: '/admin/organisations',
  summary: 'Make an organisation',
  request: { body: asked(NewOrganisation) },
  responses: { 201: told(OrganisationView, 'The organisation'), ...refusals },
})

const list = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/organisations',
  summary: 'Organisations, the newest first',
  request: { query: Paging },
  responses: { 200: told(OrganisationPage, 'A page of organisations'), ...refusals },
})

const read = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/organisations/{id}',
  summary: 'One organisation',
  request: { params },
  responses: { 200: told(OrganisationView, 'The organisation'), ...refusals },
})

const update = createRoute({
  ...admin,
  method: 'patch',
  path: '/admin/organisations/{id}',
  summary: 'Rename, archive or restore an organisation',
  description: 'Keys of an archived organisation open nothing, on every gateway within a second.',
  request: { params, body: asked(OrganisationPatch) },
  responses: { 200: told(OrganisationView, 'The organisation as it is now'), ...refusals },
})

export const organisationRoutes = ({ tenancy }: Pick<Ports, 'tenancy'>) =>
  router()
    .openapi(create, async (c) =>
      c.json(await tenancy.createOrganisation(actorOf(c), c.req.valid('json')), 201, c.var.headers),
    )
    .openapi(list, async (c) =>
      c.json(await tenancy.listOrganisations(actorOf(c), c.req.valid('query')), 200, c.var.headers),
    )
    .openapi(read, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(await tenancy.readOrganisation(actorOf(c), id), 200, c.var.headers)
    })
    .openapi(update, async (c) => {
      const { id } = c.req.valid('param')
      const changed = await tenancy.updateOrganisation(actorOf(c), [id, c.req.valid('json')])
      return c.json(changed, 200, c.var.headers)
    })
