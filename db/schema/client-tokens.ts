import { sql } from 'drizzle-orm'
import { check, index, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { KeyId } from '../../proto/ids.ts'
import type { RouteFamily } from '../../proto/scopes.ts'
import { keys } from './keys.ts'

/** What a browser shows instead of a key, for minutes. As with secrets, only the hash is here. */
export const clientTokens = pgTable(
  'client_tokens',
  {
    hash: text().primaryKey(),
    key: text('key_id')
      .$type<KeyId>()
      .notNull()
      .references(() => keys.id),
    /** Besides what the key is held to. Null is no further bound. */
    routes: text().array().$type<RouteFamily[]>(),
    models: text().array(),
    cidrs: text().array(),
    /** The end user whom it was made for. */
    user: text('end_user'),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp({ withTimezone: true }).notNull(),
  },
  (t) => [
    index().on(t.key, t.expiresAt),
    check('a_token_hash_is_sha256_in_hex', sql`${t.hash} ~ '^[0-9a-f]{64}$'`),
  ],
)
