import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import type { GatewayId, JobId, WorkerId } from '../../proto/ids.ts'
import type { Priority } from '../../proto/job.ts'
import type { Outcome } from '../../proto/ledger.ts'

/** One row a job that ended, written once. What it means is said in `proto/usage.ts`. */
export const usage = pgTable(
  'usage',
  {
    job: text().$type<JobId>().primaryKey(),
    project: text().notNull(),
    key: text().notNull(),
    user: text(),
    model: text().notNull(),
    kind: text().notNull(),
    priority: text().$type<Priority>().notNull(),
    fromCache: boolean().notNull(),
    admittedAt: timestamp({ withTimezone: true }).notNull(),
    endedAt: timestamp({ withTimezone: true }).notNull(),
    firstTokenMs: integer(),
    outcome: text().$type<Outcome>().notNull(),
    finish: text(),
    promptTokens: integer().notNull(),
    cachedTokens: integer().notNull(),
    completionTokens: integer().notNull(),
    gateway: text().$type<GatewayId>().notNull(),
    workers: text().array().$type<WorkerId[]>().notNull(),
    costNano: numeric({ precision: 38, scale: 0 }),
  },
  (t) => [
    index('usage_of_a_project').on(t.project, t.admittedAt),
    index('usage_in_order').on(t.admittedAt, t.job),
    check(
      'tokens_are_counted_from_zero',
      sql`least(${t.promptTokens}, ${t.cachedTokens}, ${t.completionTokens}) >= 0`,
    ),
  ],
)

/**
 * The same, added up by the hour of admission in the transaction that writes the rows: what is asked of months reads no
 * single job. `user` is empty where nobody was named.
 */
export const usageHours = pgTable(
  'usage_hours',
  {
    project: text().notNull(),
    hour: timestamp({ withTimezone: true }).notNull(),
    key: text().notNull(),
    model: text().notNull(),
    user: text().notNull(),
    priority: text().$type<Priority>().notNull(),
    fromCache: boolean().notNull(),
    requests: bigint({ mode: 'number' }).notNull(),
    promptTokens: bigint({ mode: 'number' }).notNull(),
    cachedTokens: bigint({ mode: 'number' }).notNull(),
    completionTokens: bigint({ mode: 'number' }).notNull(),
    costNano: numeric({ precision: 38, scale: 0 }).notNull(),
  },
  (t) => [
    primaryKey({
      name: 'one_row_an_hour',
      columns: [t.project, t.hour, t.key, t.model, t.user, t.priority, t.fromCache],
    }),
    index('usage_by_the_hour').on(t.hour),
  ],
)
