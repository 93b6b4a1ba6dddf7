import { createRoute, z } from '@hono/zod-openapi'
import { UsagePage } from '../../proto/usage-report.ts'
import { UsageRecord } from '../../proto/usage.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'
import {
  ExportQuery,
  filterOf,
  OwnReportQuery,
  pageOf,
  rangeOf,
  ReportQuery,
} from '../usage/ask.ts'
import { exportOf, TYPES } from '../usage/export.ts'
import { reportOf } from '../usage/report.ts'

const security = [{ key: [] }]
const refusals = failures('invalid', 'unauthenticated', 'forbidden', 'rate_limited', 'unavailable')
const page = {
  200: {
    description: 'Buckets in order; one in which nothing was used is empty',
    content: { 'application/json': { schema: UsagePage } },
  },
  ...refusals,
}
const description =
  'By the time of admission, in buckets of UTC. A job is counted when it has ended, about two seconds later.'

const own = createRoute({
  method: 'get',
  path: '/v1/usage',
  tags: ['Usage'],
  summary: 'What the project of the key has used',
  description,
  security,
  request: { query: OwnReportQuery },
  responses: page,
})

const all = createRoute({
  method: 'get',
  path: '/admin/usage',
  tags: ['Admin'],
  summary: 'What all projects have used that the key reaches',
  description,
  security,
  request: { query: ReportQuery },
  responses: page,
})

const file = createRoute({
  method: 'get',
  path: '/admin/usage/export',
  tags: ['Admin'],
  summary: 'Every job that ended, a row each, as a file',
  description,
  security,
  request: { query: ExportQuery },
  responses: {
    200: {
      description: 'The rows in the order of admission',
      content: {
        'text/csv': { schema: z.string() },
        'application/jsonl': { schema: UsageRecord },
      },
    },
    ...refusals,
  },
})

export const usageRoutes = ({ usage }: Pick<Ports, 'usage'>) =>
  router()
    .openapi(own, async (c) => {
      const query = c.req.valid('query')
      const filter = filterOf(c.get('key'), query, { all: false })
      return c.json(await reportOf(usage, pageOf(query, filter, Date.now())), 200, c.var.headers)
    })
    .openapi(all, async (c) => {
      const query = c.req.valid('query')
      const filter = filterOf(c.get('key'), query, { all: true })
      return c.json(await reportOf(usage, pageOf(query, filter, Date.now())), 200, c.var.headers)
    })
    .openapi(file, async (c) => {
      const query = c.req.valid('query')
      const filter = filterOf(c.get('key'), query, { all: true })
      const { startS, endS } = rangeOf(query, Date.now())
      const body = await exportOf(usage, { filter, startS, endS }, query.format)
      return c.body(body, 200, {
        ...c.var.headers,
        'content-type': TYPES[query.format],
        'content-disposition': `attachment; filename="usage-${startS}-${endS}.${query.format}"`,
        'x-content-type-options': 'nosniff',
      })
    })
