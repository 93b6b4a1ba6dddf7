import { doublePrecision, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { SharedBucket } from '../../proto/shared-bucket.ts'

/**
 * The limits that are in use, one row a bucket. Gateways do the arithmetic, and write by compare-and-set on the stamp;
 * a bucket without a row is a full one.
 */
export const limitBuckets = pgTable('limit_buckets', {
  id: text().primaryKey(),
  stamp: text().notNull(),
  /** The stamp that this one took the place of. */
  was: text(),
  shared: jsonb().$type<SharedBucket>().notNull(),
  /** Of the gateways' clock: a row that is minutes old says nothing any more. No index, so that an update stays in its page. */
  atMs: doublePrecision().notNull(),
})
