import { createRoute, z } from '@hono/zod-openapi'
import { ProjectId } from '../../proto/ids.ts'
import {
  ModelLimits,
  NewProject,
  ProjectPage,
  ProjectPatch,
  ProjectQuery,
  ProjectView,
} from '../../proto/organisations.ts'
import { ModelName } from '../../proto/scopes.ts'
import { actorOf } from '../auth/actor.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { admin, asked, refusals, told } from './admin-route.ts'

const params = z.object({ id: ProjectId })
const modelParams = params.extend({ model: ModelName })

const create = createRoute({
  ...admin,
  method: 'post',
  path: '/admin/projects',
  summary: 'Make a project',
  request: { body: asked(NewProject) },
  responses: { 201: told(ProjectView, 'The project'), ...refusals },
})

const list = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/projects',
  summary: 'Projects, the newest first',
  request: { query: ProjectQuery },
  responses: { 200: told(ProjectPage, 'A page of projects'), ...refusals },
})

const read = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/projects/{id}',
  summary: 'One project, with its limits',
  request: { params },
  responses: { 200: told(ProjectView, 'The project'), ...refusals },
})

const update = createRoute({
  ...admin,
  method: 'patch',
  path: '/admin/projects/{id}',
  summary: 'Rename, limit, archive or restore a project',
  description: 'Keys of an archived project open nothing, on every gateway within a second.',
  request: { params, body: asked(ProjectPatch) },
  responses: { 200: told(ProjectView, 'The project as it is now'), ...refusals },
})

const limit = createRoute({
  ...admin,
  method: 'put',
  path: '/admin/projects/{id}/limits/{model}',
  summary: 'Set how much a project may take of a model',
  request: { params: modelParams, body: asked(ModelLimits) },
  responses: { 200: told(ProjectView, 'The project as it is now'), ...refusals },
})

const unlimit = createRoute({
  ...admin,
  method: 'delete',
  path: '/admin/projects/{id}/limits/{model}',
  summary: 'Remove the limits of a project on a model',
  request: { params: modelParams },
  responses: { 200: told(ProjectView, 'The project as it is now'), ...refusals },
})

export const projectRoutes = ({ tenancy }: Pick<Ports, 'tenancy'>) =>
  router()
    .openapi(create, async (c) =>
      c.json(await tenancy.createProject(actorOf(c), c.req.valid('json')), 201, c.var.headers),
    )
    .openapi(list, async (c) =>
      c.json(await tenancy.listProjects(actorOf(c), c.req.valid('query')), 200, c.var.headers),
    )
    .openapi(read, async (c) =>
      c.json(await tenancy.readProject(actorOf(c), c.req.valid('param').id), 200, c.var.headers),
    )
    .openapi(update, async (c) => {
      const { id } = c.req.valid('param')
      const changed = await tenancy.updateProject(actorOf(c), [id, c.req.valid('json')])
      return c.json(changed, 200, c.var.headers)
    })
    .openapi(limit, async (c) => {
      const { id, model } = c.req.valid('param')
      const changed = await tenancy.setModelLimits(actorOf(c), [id, model, c.req.valid('json')])
      return c.json(changed, 200, c.var.headers)
    })
    .openapi(unlimit, async (c) => {
      const { id, model } = c.req.valid('param')
      return c.json(await tenancy.removeModelLimits(actorOf(c), [id, model]), 200, c.var.headers)
    })
