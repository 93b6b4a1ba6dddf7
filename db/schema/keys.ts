import { sql } from 'drizzle-orm'
import { check, integer, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { KeyScope } from '../../proto/admin.ts'
import type { KeyId } from '../../proto/ids.ts'

export const keyScope = pgEnum('key_scope', KeyScope.enum)

/** One row an API key, for ever: usage is billed to its id. The key itself is nowhere, only its hash. */
export const keys = pgTable(
  'keys',
  {
    id: text().$type<KeyId>().primaryKey(),
    name: text().notNull(),
    /** SHA-256, hex. A key is 256 random bits, so it needs neither salt nor stretching. */
    hash: text().notNull().unique(),
    /** Its last four characters, by which its owner tells it from the others. */
    hint: text().notNull(),
    scope: keyScope().notNull(),
    requestsPerMinute: integer().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    revokedAt: timestamp({ withTimezone: true }),
  },
  (t) => [
    check('a_hash_is_sha256_in_hex', sql`${t.hash} ~ '^[0-9a-f]{64}$'`),
    check('a_key_allows_some_requests', sql`${t.requestsPerMinute} > 0`),
  ],
)
