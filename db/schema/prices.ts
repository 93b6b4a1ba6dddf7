import { sql } from 'drizzle-orm'
import { check, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import { nanos } from './nanos.ts'

/** What a million tokens cost, in versions: a row is never changed once its time has come, so no past cost is either. */
export const prices = pgTable(
  'prices',
  {
    /** `*` is every model that has no price of its own. */
    model: text().notNull(),
    from: timestamp('effective_from', { withTimezone: true }).notNull(),
    prompt: nanos().notNull(),
    cached: nanos().notNull(),
    completion: nanos().notNull(),
    batchMillionths: integer().notNull(),
    replayMillionths: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.model, t.from] }),
    check('a_price_is_not_negative', sql`least(${t.prompt}, ${t.cached}, ${t.completion}) >= 0`),
    check(
      'a_part_is_no_more_than_all',
      sql`${t.batchMillionths} between 0 and 1000000 and ${t.replayMillionths} between 0 and 1000000`,
    ),
  ],
)
