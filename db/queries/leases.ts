import { and, eq, lt, sql } from 'drizzle-orm'
import { windowId, type Paid } from '../../proto/budget.ts'
import type { GatewayId } from '../../proto/ids.ts'
import type { Sql } from '../client.ts'
import { budgetCount, budgetLeases, budgets, budgetWindows } from '../schema/budgets.ts'

export interface WindowAsk {
  budget: Paid['budget']
  startMs: number
  gateway: GatewayId
}

/**
 * Adds to a gateway's lease what `grant` gives of what is left. The row of the window is locked meanwhile, so of any
 * number of gateways that ask, each sees what the others were given. A budget that was removed has no end.
 */
export async function leaseOf(
  db: Sql,
  { budget, startMs, gateway }: WindowAsk,
  { leaseMs, grant }: { leaseMs: number; grant: (left: bigint | undefined) => bigint },
): Promise<{ granted: bigint; unspent: bigint }> {
  return db.transaction(async (tx) => {
    await tx.insert(budgetWindows).values({ budget, startMs }).onConflictDoNothing()
    const [window] = await tx
      .select({ spent: budgetWindows.spent, cap: budgets.cap, removedAt: budgets.removedAt })
      .from(budgetWindows)
      .innerJoin(budgets, eq(budgets.id, budgetWindows.budget))
      .where(and(eq(budgetWindows.budget, budget), eq(budgetWindows.startMs, startMs)))
      .for('update', { of: budgetWindows })
    if (!window) return { granted: 0n, unspent: 0n }
    // A statement of its own: it sees what those wrote whom the lock was waited for.
    const [held] = await tx
      .select({ leased: sql<string>`coalesce(sum(${budgetLeases.amount}), 0)::text` })
      .from(budgetLeases)
      .where(and(eq(budgetLeases.budget, budget), eq(budgetLeases.startMs, startMs)))
    const unspent = BigInt(window.cap) - BigInt(window.spent)
    const granted = grant(window.removedAt ? undefined : unspent - BigInt(held?.leased ?? 0))
    const until = fromNow(leaseMs)
    await tx
      .insert(budgetLeases)
      .values({ budget, startMs, gateway, amount: String(granted), until })
      .onConflictDoUpdate({
        target: [budgetLeases.budget, budgetLeases.startMs, budgetLeases.gateway],
        set: { amount: sql`${budgetLeases.amount} + excluded.amount`, until },
      })
    return { granted, unspent }
  })
}

/** Takes from the gateway's leases what it does not need. */
export async function giveBack(
  db: Sql,
  gateway: GatewayId,
  amounts: readonly Omit<Paid, 'gateway'>[],
): Promise<void> {
  await db.execute(sql`
    update ${budgetLeases} l set amount = greatest(0, l.amount - told.amount)
    from ${toldOf(amounts)}
    where l.gateway = ${gateway} and l.budget_id = told.budget and l.start_ms = told."startMs"`)
}

/** Answers which leases the gateway has. */
export async function renewLeases(
  db: Sql,
  gateway: GatewayId,
  leaseMs: number,
): Promise<ReadonlySet<string>> {
  const rows = await db
    .update(budgetLeases)
    .set({ until: fromNow(leaseMs) })
    .where(eq(budgetLeases.gateway, gateway))
    .returning({ budget: budgetLeases.budget, startMs: budgetLeases.startMs })
  return new Set(rows.map(windowId))
}

/** How far LEDGER was counted, and since when there are budgets; nothing where there are none and never were. */
export async function countedSeq(
  db: Sql,
): Promise<{ ledgerSeq: number; sinceMs: number } | undefined> {
  const [row] = await db.execute<{ seq: string | null; since: string | null }>(sql`
    select (select ledger_seq from ${budgetCount})::text as seq,
      (select extract(epoch from min(created_at)) * 1000 from ${budgets})::text as since`)
  if (!row?.since) return undefined
  return { ledgerSeq: Number(row.seq ?? 0), sinceMs: Number(row.since) }
}

/** Counts the finals of LEDGER from one sequence to another, once: who comes second changes nothing and is told so. */
export async function countPaid(
  db: Sql,
  { from, to, paid }: { from: number; to: number; paid: readonly Paid[] },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.insert(budgetCount).values({ ledgerSeq: 0 }).onConflictDoNothing()
    const moved = await tx
      .update(budgetCount)
      .set({ ledgerSeq: to })
      .where(eq(budgetCount.ledgerSeq, from))
      .returning()
    if (moved.length === 0) return false
    if (paid.length === 0) return true
    // Windows before leases, as who leases takes them.
    await tx.execute(sql`
      update ${budgetWindows} w set spent = w.spent + told.amount
      from (select budget, "startMs", sum(amount) as amount from ${toldOf(paid)} group by 1, 2) told
      where w.budget_id = told.budget and w.start_ms = told."startMs"`)
    await tx.execute(sql`
      update ${budgetLeases} l set amount = greatest(0, l.amount - told.amount)
      from (select budget, "startMs", gateway, sum(amount) as amount from ${toldOf(paid)} group by 1, 2, 3) told
      where l.gateway = told.gateway and l.budget_id = told.budget and l.start_ms = told."startMs"`)
    return true
  })
}

export async function lapsedGateways(db: Sql): Promise<GatewayId[]> {
  const rows = await db
    .selectDistinct({ gateway: budgetLeases.gateway })
    .from(budgetLeases)
    .where(lt(budgetLeases.until, sql`now()`))
  return rows.map(({ gateway }) => gateway)
}

/** What is left of a gateway's leases goes back, unless it renewed them meanwhile. */
export async function closeLeases(db: Sql, gateway: GatewayId): Promise<void> {
  await db
    .delete(budgetLeases)
    .where(and(eq(budgetLeases.gateway, gateway), lt(budgetLeases.until, sql`now()`)))
}

const fromNow = (ms: number) => sql`now() + ${ms} * interval '1 millisecond'`

/** One parameter, however many there are. */
const toldOf = (amounts: readonly Omit<Paid, 'gateway'>[]) =>
  sql`json_to_recordset(${JSON.stringify(amounts)}::json) as told (budget text, "startMs" bigint, gateway text, amount numeric)`
