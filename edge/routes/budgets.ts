import { createRoute, z } from '@hono/zod-openapi'
import { BudgetList, BudgetView, NewBudget } from '../../proto/budget.ts'
import { Failure } from '../../proto/failure.ts'
import { BudgetId } from '../../proto/ids.ts'
import { actorOf } from '../auth/actor.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'

const security = [{ key: [] }]
const tags = ['Admin']
const params = z.object({ id: BudgetId })
const budget = (description: string) => ({
  description,
  content: { 'application/json': { schema: BudgetView } },
})

const create = createRoute({
  method: 'post',
  path: '/admin/budgets',
  tags,
  summary: 'Set what a key, a project or an organisation may spend',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: NewBudget } } } },
  responses: {
    201: budget('The budget'),
    ...failures('invalid', 'unauthenticated', 'forbidden'),
  },
})

const list = createRoute({
  method: 'get',
  path: '/admin/budgets',
  tags,
  summary: 'All budgets, with what was spent of them in their current window',
  security,
  responses: {
    200: { description: 'The budgets', content: { 'application/json': { schema: BudgetList } } },
    ...failures('unauthenticated', 'forbidden'),
  },
})

const change = createRoute({
  method: 'patch',
  path: '/admin/budgets/{id}',
  tags,
  summary: 'Give a budget another cap; what was spent stays spent',
  security,
  request: {
    params,
    body: {
      required: true,
      content: { 'application/json': { schema: NewBudget.pick({ cap: true }) } },
    },
  },
  responses: {
    200: budget('The budget as it is now'),
    ...failures('invalid', 'unauthenticated', 'forbidden', 'not_found'),
  },
})

const remove = createRoute({
  method: 'delete',
  path: '/admin/budgets/{id}',
  tags,
  summary: 'Hold nobody to a budget any more',
  security,
  request: { params },
  responses: {
    200: budget('The budget as it was'),
    ...failures('invalid', 'unauthenticated', 'forbidden', 'not_found'),
  },
})

export const budgetRoutes = ({ money }: Pick<Ports, 'money'>) =>
  router()
    .openapi(create, async (c) =>
      c.json(
        found(await money.createBudget(actorOf(c), c.req.valid('json')), 'it'),
        201,
        c.var.headers,
      ),
    )
    .openapi(list, async (c) => c.json({ data: await money.listBudgets() }, 200, c.var.headers))
    .openapi(change, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(
        found(await money.setCap(actorOf(c), id, c.req.valid('json').cap), id),
        200,
        c.var.headers,
      )
    })
    .openapi(remove, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(found(await money.removeBudget(actorOf(c), id), id), 200, c.var.headers)
    })

function found(view: BudgetView | undefined, id: string): BudgetView {
  if (!view) throw new Failure('not_found', `There is no budget ${id}.`, { param: 'id' })
  return view
}
