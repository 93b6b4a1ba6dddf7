import type { NewBudget, Paid } from '../proto/budget.ts'
import { grantOf, LEASE_MS } from '../proto/budget.ts'
import type { BudgetId, GatewayId } from '../proto/ids.ts'
import type { Nanos } from '../proto/money.ts'
import type { NewPrice } from '../proto/price.ts'
import type { Db } from './client.ts'
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

/** What an admin does with prices and budgets. `changed` tells every gateway. */
export const moneyAdmin = (ask: Ask, changed: () => Promise<void>) => ({
  listPrices: () => ask(listPrices),
  setPrice: (price: NewPrice) =>
    told(
      ask((db) => addPrice(db, price)),
      changed,
    ),
  listBudgets: () => ask((db) => listBudgets(db)),
  createBudget: (budget: NewBudget) =>
    told(
      ask((db) => createBudget(db, budget)),
      changed,
    ),
  setCap: (id: BudgetId, cap: Nanos) =>
    told(
      ask((db) => setCap(db, id, cap)),
      changed,
    ),
  removeBudget: (id: BudgetId) =>
    told(
      ask((db) => removeBudget(db, id)),
      changed,
    ),
})

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
