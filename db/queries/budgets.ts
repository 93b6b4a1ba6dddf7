import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { NewBudget, windowStart, type BudgetView } from '../../proto/budget.ts'
import { newBudgetId, type BudgetId } from '../../proto/ids.ts'
import type { Nanos } from '../../proto/money.ts'
import type { Sql } from '../client.ts'
import { budgetLeases, budgets, budgetWindows } from '../schema/budgets.ts'

type Row = typeof budgets.$inferSelect

/** What is there and not removed, the newest first, each with what was spent and is leased of its current window. */
export async function listBudgets(db: Sql, atMs = Date.now()): Promise<BudgetView[]> {
  const rows = await standingBudgets(db)
  return Promise.all(rows.map((row) => viewOf(db, row, atMs)))
}

export const standingBudgets = (db: Sql): Promise<Row[]> =>
  db.select().from(budgets).where(isNull(budgets.removedAt)).orderBy(desc(budgets.id))

export async function createBudget(db: Sql, wanted: NewBudget): Promise<BudgetView> {
  const [row] = await db
    .insert(budgets)
    .values({ ...NewBudget.parse(wanted), id: newBudgetId() })
    .returning()
  if (!row) throw new Error('an insert returned no row')
  return viewOf(db, row, Date.now())
}

/** A cap below what was spent lets nothing more through; what is leased may still be spent. */
export async function setCap(db: Sql, id: BudgetId, cap: Nanos): Promise<BudgetView | undefined> {
  const [row] = await db
    .update(budgets)
    .set({ cap })
    .where(and(eq(budgets.id, id), isNull(budgets.removedAt)))
    .returning()
  return row && viewOf(db, row, Date.now())
}

/** Nobody is held to it from now on. */
export async function removeBudget(db: Sql, id: BudgetId): Promise<BudgetView | undefined> {
  const [row] = await db
    .update(budgets)
    .set({ removedAt: sql`now()` })
    .where(and(eq(budgets.id, id), isNull(budgets.removedAt)))
    .returning()
  return row && viewOf(db, row, Date.now())
}

async function viewOf(db: Sql, row: Row, atMs: number): Promise<BudgetView> {
  const { id, subject, unit, window, cap, createdAt } = row
  const startMs = windowStart(window, atMs)
  const [used] = await db
    .select({
      spent: sql<string>`coalesce((select spent from ${budgetWindows} where budget_id = ${id} and start_ms = ${startMs}), 0)::text`,
      leased: sql<string>`coalesce((select sum(amount) from ${budgetLeases} where budget_id = ${id} and start_ms = ${startMs}), 0)::text`,
    })
    .from(sql`(select 1) as one`)
  const { spent = '0', leased = '0' } = used ?? {}
  return { id, subject, unit, window, cap, spent, leased, createdAt: createdAt.toISOString() }
}
