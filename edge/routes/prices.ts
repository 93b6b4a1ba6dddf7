import { createRoute } from '@hono/zod-openapi'
import { Failure } from '../../proto/failure.ts'
import { NewPrice, PriceList, PriceView } from '../../proto/price.ts'
import { actorOf } from '../auth/actor.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'

const security = [{ key: [] }]
const tags = ['Admin']

const set = createRoute({
  method: 'post',
  path: '/admin/prices',
  tags,
  summary: 'Set what a model costs, from now or from a later moment on',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: NewPrice } } } },
  responses: {
    201: { description: 'The price', content: { 'application/json': { schema: PriceView } } },
    ...failures('invalid', 'unauthenticated', 'forbidden'),
  },
})

const list = createRoute({
  method: 'get',
  path: '/admin/prices',
  tags,
  summary: 'All prices, those of the past and of the future too',
  security,
  responses: {
    200: { description: 'The prices', content: { 'application/json': { schema: PriceList } } },
    ...failures('unauthenticated', 'forbidden'),
  },
})

export const priceRoutes = ({ money }: Pick<Ports, 'money'>) =>
  router()
    .openapi(set, async (c) => {
      const price = await money.setPrice(actorOf(c), c.req.valid('json'))
      if (!price)
        throw new Failure(
          'invalid',
          'A price cannot begin in the past: leave "from" out for now.',
          {
            param: 'from',
          },
        )
      return c.json(price, 201, c.var.headers)
    })
    .openapi(list, async (c) => c.json({ data: await money.listPrices() }, 200, c.var.headers))
