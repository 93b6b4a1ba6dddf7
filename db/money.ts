import type { BudgetView, NewBudget, Paid } from '../proto/budget.ts'
import { grantOf, LEASE_MS } from '../proto/budget.ts'
import type { AuditAction } from '../proto/audit.ts'
import type { BudgetId, GatewayId } from '../proto/ids.ts'
import type { Nanos } from '../proto/money.ts'
import type { NewPrice } from '../proto/price.ts'
import { act, type Actor } from './acts/act.ts'
import type { Db, Sql } from './client.ts'
import {
  createBudget,
  listBudgets,
  removeBudget,
  setCap,
  standingBudgets,
} from './queries/budgets.ts'
import * as leases from './queries/leases.ts'
import { addPrice, listPrices } from './queries/prices.ts'

/** Asks the database, however a runtime reaches it. */
export type Ask = <T>(query: (db: Db) => Promise<T>) => Promise<T>

/** What an admin does with prices and budgets, each change with its line in the audit log. `changed` tells every gateway. */
export const moneyAdmin = (ask: Ask, changed: () => Promise<void>) => {
  const change = <T extends object>(
    actor: Actor,
    action: AuditAction,
    carryOut: (tx: Sql) => Promise<T | undefined>,
    targetOf: (done: T) => string,
  ): Promise<T | undefined> =>
    told(
      ask((db) =>
        act<T>(db, actor, async (tx) => {
          const result = await carryOut(tx)
          if (!result) throw new Nothing()
          const scope = { organisation: null, project: null, before: null }
          return { result, action, target: targetOf(result), ...scope, after: result }
        }),
      ).catch((thrown: unknown) => {
        if (thrown instanceof Nothing) return undefined
        throw thrown
      }),
      changed,
    )
  return {
    listPrices: () => ask(listPrices),
    setPrice: (actor: Actor, price: NewPrice) =>
      change(
        actor,
        'price.set',
        (tx) => addPrice(tx, price),
        ({ model }) => model,
      ),
    listBudgets: () => ask((db) => listBudgets(db)),
    createBudget: (actor: Actor, budget: NewBudget) =>
      change(actor, 'budget.create', (tx) => createBudget(tx, budget), idOf),
    setCap: (actor: Actor, id: BudgetId, cap: Nanos) =>
      change(actor, 'budget.update', (tx) => setCap(tx, id, cap), idOf),
    removeBudget: (actor: Actor, id: BudgetId) =>
      change(actor, 'budget.remove', (tx) => removeBudget(tx, id), idOf),
  }
}

const idOf = ({ id }: BudgetView): string => id

/** There was nothing to change: the transaction is taken back, and nothing is logged. */
class Nothing extends Error {
  override readonly name = 'Nothing'
}

/** What gateways share of budgets, in Postgres. */
export const budgetStore = (ask: Ask) => ({
  standing: () =>
    ask(async (db) => ({ prices: await listPrices(db), budgets: await standingBudgets(db) })),
  lease: ({ need, want, ...window }: leases.WindowAsk & { need: bigint; want: bigint }) =>
    ask((db) =>
      leases.leaseOf(db, window, {
        leaseMs: LEASE_MS,
        grant: (left) => (left === undefined ? want : grantOf({ need, want }, left)),
      }),
    ),
  giveBack: (gateway: GatewayId, amounts: readonly Omit<Paid, 'gateway'>[]) =>
    ask((db) => leases.giveBack(db, gateway, amounts)),
  renew: (gateway: GatewayId) => ask((db) => leases.renewLeases(db, gateway, LEASE_MS)),
  counted: () => ask(leases.countedSeq),
  count: (step: { from: number; to: number; paid: readonly Paid[] }) =>
    ask((db) => leases.countPaid(db, step)),
  lapsed: () => ask(leases.lapsedGateways),
  close: (gateway: GatewayId) => ask((db) => leases.closeLeases(db, gateway)),
})

async function told<T>(done: Promise<T>, changed: () => Promise<void>): Promise<T> {
  const value = await done
  if (value !== undefined) await changed()
  return value
}
