import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { NewKey } from '../../proto/admin.ts'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import { newKeyId, type KeyId } from '../../proto/ids.ts'
import type { Db } from '../client.ts'
import { keys } from '../schema/keys.ts'

/** What may be left to its default. */
type Wanted = z.input<typeof NewKey>

export type Key = typeof keys.$inferSelect

/** Makes a key. `apiKey` is the secret itself, and this is the only time anybody sees it. */
export async function createKey(
  db: Db,
  key: Wanted,
  apiKey = newApiKey(),
): Promise<{ key: Key; apiKey: string }> {
  const [row] = await db
    .insert(keys)
    .values(await rowOf(key, apiKey))
    .returning()
  if (!row) throw new Error('an insert returned no row')
  return { key: row, apiKey }
}

/** Puts a key that was made elsewhere into this database, unless it is there, revoked perhaps. */
export async function ensureKey(db: Db, key: Wanted, apiKey: string): Promise<Key> {
  const row = await rowOf(key, apiKey)
  await db.insert(keys).values(row).onConflictDoNothing({ target: keys.hash })
  const [found] = await db.select().from(keys).where(eq(keys.hash, row.hash))
  if (!found) throw new Error('a key that was inserted is not there')
  return found
}

/** The newest first, revoked ones too. */
export async function listKeys(db: Db): Promise<Key[]> {
  return db.select().from(keys).orderBy(desc(keys.createdAt), desc(keys.id))
}

/** The time of the first revocation stands. Answers nothing where there is no such key. */
export async function revokeKey(db: Db, id: KeyId): Promise<Key | undefined> {
  const [row] = await db
    .update(keys)
    .set({ revokedAt: sql`coalesce(${keys.revokedAt}, now())` })
    .where(eq(keys.id, id))
    .returning()
  return row
}

/** A key that may be used: one that was revoked is not found. */
export async function findKeyByHash(db: Db, hash: string): Promise<Key | undefined> {
  const [row] = await db
    .select()
    .from(keys)
    .where(and(eq(keys.hash, hash), isNull(keys.revokedAt)))
  return row
}

async function rowOf(key: Wanted, apiKey: string): Promise<typeof keys.$inferInsert> {
  const hash = await hashOf(apiKey)
  return { ...NewKey.parse(key), id: newKeyId(), hash, hint: apiKey.slice(-4) }
}
