import { and, desc, eq, sql } from 'drizzle-orm'
import { getTableColumns } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { NewKey } from '../../proto/admin.ts'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import { newKeyId, type KeyId } from '../../proto/ids.ts'
import { DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import type { Sql } from '../client.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'

/** What may be left to its default. */
export type Wanted = z.input<typeof NewKey>

const former = alias(keySecrets, 'former')

/** A key with the ends of its secrets. */
const shown = {
  ...getTableColumns(keys),
  hint: keySecrets.hint,
  former: { hint: former.hint, expiresAt: former.expiresAt },
}
export type Key = typeof keys.$inferSelect & {
  hint: string
  former: { hint: string; expiresAt: Date | null } | null
}

/** Makes a key. `apiKey` is the secret itself, and this is the only time anybody sees it. */
export async function createKey(
  db: Sql,
  wanted: Wanted,
  apiKey = newApiKey(),
): Promise<{ key: Key; apiKey: string }> {
  const id = newKeyId()
  const secret = await secretOf(id, apiKey)
  const row = rowOf(id, wanted)
  await db.transaction(async (tx) => {
    await tx.insert(keys).values(row)
    await tx.insert(keySecrets).values(secret)
  })
  return { key: await mustFind(db, id), apiKey }
}

/** Puts a key that was made elsewhere into this database, unless it is there, revoked perhaps. */
export async function ensureKey(db: Sql, wanted: Wanted, apiKey: string): Promise<Key> {
  const hash = await hashOf(apiKey)
  const known = async (): Promise<Key | undefined> => {
    const [row] = await selectKeys(db).where(eq(keySecrets.hash, hash))
    return row
  }
  const before = await known()
  if (before) return before
  try {
    return (await createKey(db, wanted, apiKey)).key
  } catch (thrown) {
    // Two launchers at once: the other one was faster.
    const after = await known()
    if (!after) throw thrown
    return after
  }
}

/** The newest first, revoked ones too. */
export async function listKeys(db: Sql): Promise<Key[]> {
  return selectKeys(db).orderBy(desc(keys.id))
}

/** The time of the first revocation stands. Answers nothing where there is no such key. */
export async function revokeKey(db: Sql, id: KeyId): Promise<Key | undefined> {
  await db
    .update(keys)
    .set({ revokedAt: sql`coalesce(${keys.revokedAt}, now())` })
    .where(eq(keys.id, id))
  return findKey(db, id)
}

async function findKey(db: Sql, id: KeyId): Promise<Key | undefined> {
  const [row] = await selectKeys(db).where(eq(keys.id, id))
  return row
}

async function mustFind(db: Sql, id: KeyId): Promise<Key> {
  const row = await findKey(db, id)
  if (!row) throw new Error('a key that was inserted is not there')
  return row
}

const selectKeys = (db: Sql) =>
  db
    .select(shown)
    .from(keys)
    .innerJoin(keySecrets, and(eq(keySecrets.key, keys.id), keySecrets.current))
    .leftJoin(
      former,
      and(eq(former.key, keys.id), sql`not ${former.current}`, sql`${former.expiresAt} > now()`),
    )

function rowOf(id: KeyId, wanted: Wanted): typeof keys.$inferInsert {
  const { project, reach, expiresAt, ...rest } = NewKey.parse(wanted)
  return {
    ...rest,
    id,
    project: project ?? DEFAULT_PROJECT,
    reach: rest.scope === 'admin' ? (reach ?? 'deployment') : null,
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
  }
}

async function secretOf(key: KeyId, apiKey: string): Promise<typeof keySecrets.$inferInsert> {
  return { hash: await hashOf(apiKey), key, current: true, hint: apiKey.slice(-4) }
}
