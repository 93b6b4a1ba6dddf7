import { createRoute, z } from '@hono/zod-openapi'
import { router } from '../http.ts'
import type { Ports } from '../ports.ts'

const Parts = z.object({
  status: z.enum(['ready', 'not ready']),
  broker: z.boolean(),
  database: z.boolean(),
  workers: z.boolean(),
})

const health = createRoute({
  method: 'get',
  path: '/health',
  tags: ['Operations'],
  summary: 'Whether the process answers',
  responses: {
    200: { description: 'It does', content: { 'text/plain': { schema: z.literal('ok') } } },
  },
})

const ready = createRoute({
  method: 'get',
  path: '/ready',
  tags: ['Operations'],
  summary: 'Whether a request would be served: broker, database and at least one worker are there',
  responses: {
    200: { description: 'Ready', content: { 'application/json': { schema: Parts } } },
    503: { description: 'Not ready', content: { 'application/json': { schema: Parts } } },
  },
})

const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['Operations'],
  summary: 'Prometheus metrics of this gateway',
  responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } } },
})

export const healthRoutes = ({ health: port }: Pick<Ports, 'health'>) =>
  router()
    .openapi(health, (c) => c.text('ok', 200))
    .openapi(ready, async (c) => {
      const parts = await port.parts()
      const all = Object.values(parts).every(Boolean)
      return all
        ? c.json({ status: 'ready' as const, ...parts }, 200)
        : c.json({ status: 'not ready' as const, ...parts }, 503)
    })
    .openapi(metrics, async (c) =>
      c.text(await port.metrics(), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
    )
