import { and, desc, eq, gt, isNull, lt, ne, or, sql } from 'drizzle-orm'
import type {
  CreatedKey,
  KeyPatch,
  KeyQuery,
  KeyView,
  NewKey,
  Reach,
  Rotation,
} from '../../proto/admin.ts'
import { newApiKey } from '../../proto/api-key.ts'
import { Failure } from '../../proto/failure.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { Page } from '../../proto/paging.ts'
import type { Sql } from '../client.ts'
import * as stored from '../queries/keys.ts'
import { pageFrom } from '../queries/page.ts'
import { clientTokens } from '../schema/client-tokens.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'
import { projects } from '../schema/projects.ts'
import { act, type Actor } from './act.ts'
import { notThere, projectsOf, requireReach } from './domain.ts'
import { keyView } from './key-view.ts'
import { readProject } from './projects.ts'

export async function listKeys(
  db: Sql,
  { domain }: Actor,
  { limit, after, organisation, project, state }: KeyQuery,
): Promise<Page<KeyView>> {
  const live = and(
    isNull(keys.revokedAt),
    or(isNull(keys.expiresAt), gt(keys.expiresAt, sql`now()`)),
  )
  const rows = await stored
    .selectKeys(db)
    .where(
      and(
        projectsOf(domain),
        organisation && eq(projects.organisation, organisation),
        project && eq(keys.project, project),
        state === 'live' ? live : undefined,
        after ? lt(keys.id, after as KeyId) : undefined,
      ),
    )
    .orderBy(desc(keys.id))
    .limit(limit + 1)
  return pageFrom(rows, limit, keyView)
}

export async function readKey(db: Sql, actor: Actor, id: KeyId): Promise<KeyView> {
  return keyView(await find(db, actor, id))
}

/** The secret is in the answer, and nowhere else from then on. */
export function createKey(db: Sql, actor: Actor, wanted: NewKey): Promise<CreatedKey> {
  const reach = wanted.scope === 'admin' ? (wanted.reach ?? 'project') : undefined
  if (reach) requireNoWider(actor, reach)
  const project = wanted.project ?? actor.home.project
  return act(db, actor, async (tx) => {
    const { archivedAt } = await readProject(tx, actor, project)
    if (archivedAt) throw bad('project', 'It is archived: restore it, or name another.')
    const { reach: _, ...rest } = wanted
    const { key, apiKey } = await stored.createKey(tx, {
      ...rest,
      project,
      ...(reach && { reach }),
    })
    const done = doneTo(key)
    return {
      ...done,
      result: { ...done.after, secret: apiKey },
      action: 'key.create',
      before: null,
    }
  })
}

export function updateKey(
  db: Sql,
  actor: Actor,
  [id, { expiresAt, ...patch }]: [KeyId, KeyPatch],
): Promise<KeyView> {
  return act(db, actor, async (tx) => {
    const was = await lock(tx, actor, id)
    const set = {
      ...patch,
      ...(expiresAt !== undefined && {
        expiresAt: expiresAt === null ? null : new Date(expiresAt),
      }),
    }
    if (Object.keys(set).length > 0) await tx.update(keys).set(set).where(eq(keys.id, id))
    const done = doneTo(await find(tx, actor, id))
    return { ...done, result: done.after, action: 'key.update', before: keyView(was) }
  })
}

/** A new secret; the one it follows opens the key until the overlap is over, and any before that no more. */
export function rotateKey(
  db: Sql,
  actor: Actor,
  [id, { overlapSeconds }]: [KeyId, Rotation],
): Promise<CreatedKey> {
  return act(db, actor, async (tx) => {
    const was = await lock(tx, actor, id)
    if (was.revokedAt) throw bad('id', 'The key is revoked. Make another.')
    const secret = newApiKey()
    await tx.delete(keySecrets).where(and(eq(keySecrets.key, id), ne(keySecrets.current, true)))
    if (overlapSeconds === 0) await tx.delete(keySecrets).where(eq(keySecrets.key, id))
    const expiresAt = sql`now() + make_interval(secs => ${overlapSeconds})`
    await tx.update(keySecrets).set({ current: false, expiresAt }).where(eq(keySecrets.key, id))
    await tx.insert(keySecrets).values(await stored.secretOf(id, secret))
    // Tokens of a secret that is no more are no more either.
    await tx
      .update(clientTokens)
      .set({ expiresAt: sql`least(${clientTokens.expiresAt}, ${expiresAt})` })
      .where(eq(clientTokens.key, id))
    const done = doneTo(await find(tx, actor, id))
    return {
      ...done,
      result: { ...done.after, secret },
      action: 'key.rotate',
      before: keyView(was),
    }
  })
}

/** For ever. The time of the first revocation stands. */
export function revokeKey(db: Sql, actor: Actor, id: KeyId): Promise<KeyView> {
  return act(db, actor, async (tx) => {
    const was = await lock(tx, actor, id)
    await stored.revokeKey(tx, id)
    const done = doneTo(await find(tx, actor, id))
    return { ...done, result: done.after, action: 'key.revoke', before: keyView(was) }
  })
}

/** As it is, and nobody else changes it until this transaction is over. */
async function lock(tx: Sql, actor: Actor, id: KeyId): Promise<stored.Key> {
  await tx.select({ id: keys.id }).from(keys).where(eq(keys.id, id)).for('update')
  const was = await find(tx, actor, id)
  // A key with a wider reach is not for a narrower one to change: it would be its own promotion.
  if (was.reach) requireNoWider(actor, was.reach)
  return was
}

async function find(db: Sql, { domain }: Actor, id: KeyId): Promise<stored.Key> {
  const [row] = await stored.selectKeys(db).where(and(eq(keys.id, id), projectsOf(domain)))
  if (!row) throw notThere('key', id)
  return row
}

function requireNoWider({ domain }: Actor, reach: Reach): void {
  if (reach !== 'project') requireReach(domain, reach)
}

const bad = (param: string, message: string): Failure => new Failure('invalid', message, { param })

const doneTo = (key: stored.Key) => ({
  target: key.id,
  organisation: key.organisation,
  project: key.project,
  after: keyView(key),
})
