import { createRoute } from '@hono/zod-openapi'
import { AuditPage, AuditQuery } from '../../proto/audit.ts'
import { actorOf } from '../auth/actor.ts'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { admin, refusals, told } from './admin-route.ts'

const list = createRoute({
  ...admin,
  method: 'get',
  path: '/admin/audit',
  summary: 'What admins did, the newest first',
  request: { query: AuditQuery },
  responses: { 200: told(AuditPage, 'A page of acts'), ...refusals },
})

export const auditRoutes = ({ tenancy }: Pick<Ports, 'tenancy'>) =>
  router().openapi(list, async (c) =>
    c.json(await tenancy.listAudit(actorOf(c), c.req.valid('query')), 200, c.var.headers),
  )
