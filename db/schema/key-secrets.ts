import { sql } from 'drizzle-orm'
import { boolean, check, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core'
import type { KeyId } from '../../proto/ids.ts'
import { keys } from './keys.ts'

/** What opens a key: one secret, and the one before it for as long as their overlap lasts. Secrets themselves are nowhere. */
export const keySecrets = pgTable(
  'key_secrets',
  {
    /** SHA-256, hex. A secret is 256 random bits, so it needs neither salt nor stretching. */
    hash: text().primaryKey(),
    key: text('key_id')
      .$type<KeyId>()
      .notNull()
      .references(() => keys.id),
    /** Two rows a key at most, by the constraint below. */
    current: boolean().notNull(),
    /** Its last four characters, by which its owner tells it from the others. */
    hint: text().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp({ withTimezone: true }),
  },
  (t) => [
    unique('a_key_has_two_secrets_at_most').on(t.key, t.current),
    check('a_hash_is_sha256_in_hex', sql`${t.hash} ~ '^[0-9a-f]{64}$'`),
    check('a_former_secret_ends', sql`${t.current} or ${t.expiresAt} is not null`),
  ],
)
