import { and, eq, getTableColumns, isNull } from 'drizzle-orm'
import type { KeyId } from '../../proto/ids.ts'
import type { Sql } from '../client.ts'
import { limitsOfModels } from './limits-of-models.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'
import { organisations } from '../schema/organisations.ts'
import { projects } from '../schema/projects.ts'

/** Everything a request needs to know of who asks, in one row. */
const opened = {
  ...getTableColumns(keys),
  secretExpiresAt: keySecrets.expiresAt,
  organisation: projects.organisation,
  projectLimits: {
    requestsPerMinute: projects.requestsPerMinute,
    tokensPerMinute: projects.tokensPerMinute,
    concurrentStreams: projects.concurrentStreams,
    audioSecondsPerMinute: projects.audioSecondsPerMinute,
  },
  modelLimits: limitsOfModels,
  cache: projects.cache,
}

/**
 * The key that this secret opens, with its times as they are: whoever asks compares them with the clock at each request.
 * A key that was revoked is not found, nor one of a project or an organisation that was archived.
 */
export async function findKeyByHash(db: Sql, hash: string): Promise<OpenedKey | undefined> {
  const [row] = await keysOpenedBy(db, hash)
  return row
}

export type OpenedKey = Awaited<ReturnType<typeof keysOpenedBy>>[number]

/** The same by the key's own id, for what was left to be done in its name. */
export async function findKeyById(db: Sql, id: KeyId): Promise<OpenedKey | undefined> {
  const [row] = await openKeys(db).where(eq(keys.id, id)).limit(1)
  return row && { ...row, secretExpiresAt: null }
}

/** For the planner to explain, too. */
export const keysOpenedBy = (db: Sql, hash: string) => openKeys(db).where(eq(keySecrets.hash, hash))

const openKeys = (db: Sql) =>
  db
    .select(opened)
    .from(keySecrets)
    .innerJoin(keys, and(eq(keys.id, keySecrets.key), isNull(keys.revokedAt)))
    .innerJoin(projects, and(eq(projects.id, keys.project), isNull(projects.archivedAt)))
    .innerJoin(
      organisations,
      and(eq(organisations.id, projects.organisation), isNull(organisations.archivedAt)),
    )
