import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { NewKey } from '../../proto/admin.ts'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import { newKeyId, type KeyId } from '../../proto/ids.ts'
import { DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import type { Sql } from '../client.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'
import { projects } from '../schema/projects.ts'

/** What may be left to its default. */
export type Wanted = z.input<typeof NewKey>

const former = alias(keySecrets, 'former')

/** Keys with the ends of the secrets that open them, and whose they are. */
export const selectKeys = (db: Sql) =>
  db
    .select({
      ...getTableColumns(keys),
      organisation: projects.organisation,
      hint: keySecrets.hint,
      former: { hint: former.hint, expiresAt: former.expiresAt },
    })
    .from(keys)
    .innerJoin(projects, eq(projects.id, keys.project))
    .innerJoin(keySecrets, and(eq(keySecrets.key, keys.id), keySecrets.current))
    .leftJoin(
      former,
      and(eq(former.key, keys.id), sql`not ${former.current}`, sql`${former.expiresAt} > now()`),
    )

export type Key = Awaited<ReturnType<typeof selectKeys>>[number]

/** Makes a key. `apiKey` is the secret itself, and this is the only time anybody sees it. */
export async function createKey(
  db: Sql,
  wanted: Wanted,
  apiKey = newApiKey(),
): Promise<{ key: Key; apiKey: string }> {
  const row = rowOf(wanted)
  const secret = await secretOf(row.id, apiKey)
  await db.transaction(async (tx) => {
    await tx.insert(keys).values(row)
    await tx.insert(keySecrets).values(secret)
  })
  const key = await findKey(db, row.id)
  if (!key) throw new Error('a key that was inserted is not there')
  return { key, apiKey }
}

/** Puts a key that was made elsewhere into this database, unless it is there, revoked perhaps. */
export async function ensureKey(db: Sql, wanted: Wanted, apiKey: string): Promise<Key> {
  const before = await findBySecret(db, apiKey)
  if (before) return before
  try {
    return (await createKey(db, wanted, apiKey)).key
  } catch (thrown) {
    // Two that start at once: the other was faster.
    const after = await findBySecret(db, apiKey)
    if (!after) throw thrown
    return after
  }
}

export async function findKey(db: Sql, id: KeyId): Promise<Key | undefined> {
  const [row] = await selectKeys(db).where(eq(keys.id, id))
  return row
}

/** The time of the first revocation stands. Answers nothing where there is no such key. */
export async function revokeKey(db: Sql, id: KeyId): Promise<Key | undefined> {
  await db
    .update(keys)
    .set({ revokedAt: sql`coalesce(${keys.revokedAt}, now())` })
    .where(eq(keys.id, id))
  return findKey(db, id)
}

export const secretOf = async (key: KeyId, apiKey: string) => ({
  hash: await hashOf(apiKey),
  key,
  current: true,
  hint: apiKey.slice(-4),
})

async function findBySecret(db: Sql, apiKey: string): Promise<Key | undefined> {
  const [row] = await selectKeys(db).where(eq(keySecrets.hash, await hashOf(apiKey)))
  return row
}

function rowOf(wanted: Wanted) {
  const { project, reach, expiresAt, ...rest } = NewKey.parse(wanted)
  return {
    ...rest,
    id: newKeyId(),
    project: project ?? DEFAULT_PROJECT,
    reach: rest.scope === 'admin' ? (reach ?? 'deployment') : null,
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
  }
}
