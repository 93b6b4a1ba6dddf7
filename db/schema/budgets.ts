import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { BudgetUnit, BudgetWindow, type BudgetSubject } from '../../proto/budget.ts'
import type { BudgetId, GatewayId } from '../../proto/ids.ts'
import { nanos } from './nanos.ts'

export const budgetUnit = pgEnum('budget_unit', BudgetUnit.enum)
export const budgetWindow = pgEnum('budget_window', BudgetWindow.enum)

/** What somebody may spend. Removed, not deleted: jobs that are being made still name it. */
export const budgets = pgTable(
  'budgets',
  {
    id: text().$type<BudgetId>().primaryKey(),
    subject: text().$type<BudgetSubject>().notNull(),
    unit: budgetUnit().notNull(),
    window: budgetWindow('time_window').notNull(),
    cap: nanos().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    removedAt: timestamp({ withTimezone: true }),
  },
  (t) => [index().on(t.subject), check('a_cap_is_not_negative', sql`${t.cap} >= 0`)],
)

const window = {
  budget: text('budget_id')
    .$type<BudgetId>()
    .notNull()
    .references(() => budgets.id),
  /** Milliseconds since 1970; 0 for a budget without windows. */
  startMs: bigint({ mode: 'number' }).notNull(),
}

/** What was spent in a window, by the finals of LEDGER that were counted. Whoever leases of it locks this row. */
export const budgetWindows = pgTable(
  'budget_windows',
  { ...window, spent: nanos().notNull().default('0') },
  (t) => [primaryKey({ columns: [t.budget, t.startMs] })],
)

/** What one life of a gateway may spend of a window, or has spent and is not counted yet. */
export const budgetLeases = pgTable(
  'budget_leases',
  {
    ...window,
    gateway: text().$type<GatewayId>().notNull(),
    amount: nanos().notNull(),
    /** Renewed while the gateway lives. */
    until: timestamp('leased_until', { withTimezone: true }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.budget, t.startMs, t.gateway] }),
    index().on(t.gateway),
    check('a_lease_is_not_negative', sql`${t.amount} >= 0`),
  ],
)

/** How far LEDGER has been counted: one row. Moved in the transaction that counts, so that nothing counts twice. */
export const budgetCount = pgTable(
  'budget_count',
  {
    one: integer().primaryKey().default(1),
    ledgerSeq: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [check('there_is_one_count', sql`${t.one} = 1`)],
)
