import { lt, max, sql } from 'drizzle-orm'
import type { BucketChange, BucketRow } from '../../proto/shared-bucket.ts'
import type { Sql } from '../client.ts'
import { limitBuckets } from '../schema/limit-buckets.ts'

/**
 * Writes every bucket that is still what it was, all in one statement. Answers with the others, as they are; with
 * nothing for one that somebody wrote this very moment. Rows are locked in the order of their ids, so that no two
 * statements wait for each other.
 */
export async function swapBuckets(
  db: Sql,
  changes: readonly BucketChange[],
): Promise<Map<string, BucketRow | undefined>> {
  const rows = changes.map(({ id, was = null, stamp, shared }) => ({ id, was, stamp, shared }))
  // As text first: the driver would take what is already JSON for a string that is to become JSON.
  const found = await db.execute<{ id: string; stamp: string | null; shared: unknown }>(sql`
    with change as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        as change(id text, was text, stamp text, shared jsonb)
    ), written as (
      insert into ${limitBuckets} (id, was, stamp, shared, at_ms)
      select id, was, stamp, shared, (shared->>'atMs')::float8 from change order by id
      on conflict (id) do update
        set was = excluded.was, stamp = excluded.stamp, shared = excluded.shared, at_ms = excluded.at_ms
        where limit_buckets.stamp = excluded.was
      returning id
    )
    select change.id, kept.stamp, kept.shared
    from change left join ${limitBuckets} kept on kept.id = change.id
    where change.id not in (select id from written)`)
  return new Map(
    [...found].map(({ id, stamp, shared }) => [
      id,
      stamp === null ? undefined : { stamp, shared: shared as BucketRow['shared'] },
    ]),
  )
}

/** A time that is before none that was written: the server's own, unless that was set back. */
export async function bucketClockMs(db: Sql): Promise<number> {
  const [row] = await db
    .select({
      wall: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`,
      last: max(limitBuckets.atMs),
    })
    .from(limitBuckets)
  // From the beginning of 2026 on, so that the fractions of a millisecond have room.
  return Math.max((row?.wall ?? 0) - Date.UTC(2026), row?.last ?? 0)
}

/** Buckets that nobody touched since then are full, and leased to nobody. */
export async function dropBuckets(db: Sql, beforeMs: number): Promise<void> {
  await db.delete(limitBuckets).where(lt(limitBuckets.atMs, beforeMs))
}
