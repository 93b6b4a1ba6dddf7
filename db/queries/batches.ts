import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { BatchId, GatewayId, ProjectId } from '../../proto/ids.ts'
import type { Db } from '../client.ts'
import { batches, batchResults } from '../schema/batches.ts'

export type BatchRow = typeof batches.$inferSelect
export type NewBatchRow = typeof batches.$inferInsert
export type BatchChange = Partial<
  Pick<
    BatchRow,
    | 'status'
    | 'errors'
    | 'total'
    | 'completed'
    | 'failed'
    | 'inProgressAt'
    | 'finalizingAt'
    | 'completedAt'
    | 'failedAt'
    | 'expiredAt'
    | 'cancelledAt'
  >
>

const LEASE_SECONDS = 30
const OPEN = ['validating', 'in_progress', 'finalizing', 'cancelling'] as const

export async function createBatch(db: Db, row: NewBatchRow): Promise<BatchRow> {
  const [created] = await db.insert(batches).values(row).returning()
  if (!created) throw new Error('an insert returned no row')
  return created
}

export async function findBatch(
  db: Db,
  project: ProjectId,
  id: BatchId,
): Promise<BatchRow | undefined> {
  const [row] = await db
    .select()
    .from(batches)
    .where(and(eq(batches.project, project), eq(batches.id, id)))
  return row
}

/** The newest first; one more than was asked for tells that there are more. */
export async function listBatches(
  db: Db,
  project: ProjectId,
  { limit, after }: { limit: number; after?: BatchId | undefined },
): Promise<BatchRow[]> {
  const before = after === undefined ? undefined : lt(batches.id, after)
  return db
    .select()
    .from(batches)
    .where(and(eq(batches.project, project), before))
    .orderBy(desc(batches.id))
    .limit(limit + 1)
}

/** Whoever carries it out notices at its next renewal. What is over stays as it is. */
export async function cancelBatch(
  db: Db,
  project: ProjectId,
  id: BatchId,
): Promise<BatchRow | undefined> {
  await db
    .update(batches)
    .set({ status: 'cancelling', cancellingAt: sql`now()` })
    .where(
      and(
        eq(batches.project, project),
        eq(batches.id, id),
        inArray(batches.status, ['validating', 'in_progress']),
      ),
    )
  return findBatch(db, project, id)
}

const held = sql`now() + make_interval(secs => ${LEASE_SECONDS})`

/** The oldest batch that nobody carries out, of a project of which none is carried out, is this gateway's until its lease runs out. */
export async function leaseBatch(db: Db, holder: GatewayId): Promise<BatchRow | undefined> {
  const free = db
    .select({ id: batches.id })
    .from(batches)
    .where(
      and(
        inArray(batches.status, [...OPEN]),
        sql`(${batches.heldUntil} is null or ${batches.heldUntil} < now())`,
        sql`not exists (select from batches as other
          where other.project = ${batches.project} and other.held_until > now()
          and other.status in ('validating', 'in_progress', 'finalizing', 'cancelling'))`,
      ),
    )
    // What was tried and left comes after what nobody has tried: a batch that nobody can carry on keeps none waiting.
    .orderBy(sql`${batches.heldUntil} nulls first`, asc(batches.id))
    .limit(1)
    .for('update', { skipLocked: true })
  const [row] = await db
    .update(batches)
    .set({ holder, heldUntil: held })
    .where(eq(batches.id, sql`(${free})`))
    .returning()
  return row
}

/** Nothing where another has it. A change is written only by who holds it. */
export async function holdBatch(
  db: Db,
  { id, holder }: { id: BatchId; holder: GatewayId },
  change: BatchChange = {},
): Promise<BatchRow | undefined> {
  const [row] = await db
    .update(batches)
    .set({ heldUntil: held, ...change })
    .where(and(eq(batches.id, id), eq(batches.holder, holder)))
    .returning()
  return row
}

/** Another may go on with it at once. */
export async function releaseBatch(db: Db, id: BatchId, holder: GatewayId): Promise<void> {
  await db
    .update(batches)
    .set({ holder: null, heldUntil: null })
    .where(and(eq(batches.id, id), eq(batches.holder, holder)))
}

export interface ResultRow {
  line: number
  status: number
  result: string
}

/** A line that was carried out twice, by two gateways, has the result of the first: they are the same job. */
export async function putResult(db: Db, batch: BatchId, row: ResultRow): Promise<void> {
  await db
    .insert(batchResults)
    .values({ batch, ...row })
    .onConflictDoNothing()
}

export async function linesDone(
  db: Db,
  batch: BatchId,
): Promise<{ line: number; status: number }[]> {
  return db
    .select({ line: batchResults.line, status: batchResults.status })
    .from(batchResults)
    .where(eq(batchResults.batch, batch))
}

/** In the order of the input, a page at a time. */
export async function readResults(
  db: Db,
  batch: BatchId,
  { after, limit }: { after: number; limit: number },
): Promise<ResultRow[]> {
  return db
    .select({ line: batchResults.line, status: batchResults.status, result: batchResults.result })
    .from(batchResults)
    .where(and(eq(batchResults.batch, batch), sql`${batchResults.line} > ${after}`))
    .orderBy(asc(batchResults.line))
    .limit(limit)
}

export async function removeResults(db: Db, batch: BatchId): Promise<void> {
  await db.delete(batchResults).where(eq(batchResults.batch, batch))
}

/** Whether there is any that is not over. */
export async function anyOpen(db: Db): Promise<boolean> {
  const [row] = await db
    .select({ id: batches.id })
    .from(batches)
    .where(inArray(batches.status, [...OPEN]))
    .limit(1)
  return row !== undefined
}
