import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { QueueList } from '../../proto/queues.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'

const list = createRoute({
  method: 'get',
  path: '/admin/queues',
  tags: ['Admin'],
  summary: 'Who waits at this gateway for which model, and whose turn is next',
  security: [{ key: [] }],
  responses: {
    200: { description: 'The queues', content: { 'application/json': { schema: QueueList } } },
    ...failures('unauthenticated', 'forbidden', 'unavailable'),
  },
})

export const queueRoutes = ({ lineup }: Pick<Ports, 'lineup'>) =>
  router().openapi(list, async (c) => {
    if (c.get('key').reach !== 'deployment')
      throw new Failure(
        'forbidden',
        'All projects wait in the same queues: this is for keys that manage the whole deployment.',
      )
    return c.json(await lineup.queues(), 200, c.var.headers)
  })
