import { and, asc, eq, getTableColumns, isNull } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { KeyId } from '../../proto/ids.ts'
import type { Sql } from '../client.ts'
import { clientTokens } from '../schema/client-tokens.ts'
import { issuers } from '../schema/issuers.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'
import { organisations } from '../schema/organisations.ts'
import { projects } from '../schema/projects.ts'
import { limitsOfModels } from './limits-of-models.ts'

/** Everything a request needs to know of who asks, in one row. */
const opened = {
  ...getTableColumns(keys),
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

/** A key that was revoked opens nothing, nor one of a project or an organisation that was archived. */
const live = {
  key: (id: AnyPgColumn) => and(eq(keys.id, id), isNull(keys.revokedAt)),
  project: and(eq(projects.id, keys.project), isNull(projects.archivedAt)),
  organisation: and(eq(organisations.id, projects.organisation), isNull(organisations.archivedAt)),
}

/** The key that this secret opens, with its times as they are: whoever asks compares them with the clock at each request. */
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
    .select({ ...opened, secretExpiresAt: keySecrets.expiresAt })
    .from(keySecrets)
    .innerJoin(keys, live.key(keySecrets.key))
    .innerJoin(projects, live.project)
    .innerJoin(organisations, live.organisation)

/** The same of a client token, with what it is held to besides. */
export async function findKeyByToken(db: Sql, hash: string) {
  const [row] = await db
    .select({
      ...opened,
      secretExpiresAt: clientTokens.expiresAt,
      token: {
        routes: clientTokens.routes,
        models: clientTokens.models,
        cidrs: clientTokens.cidrs,
        user: clientTokens.user,
      },
    })
    .from(clientTokens)
    .innerJoin(keys, live.key(clientTokens.key))
    .innerJoin(projects, live.project)
    .innerJoin(organisations, live.organisation)
    .where(eq(clientTokens.hash, hash))
  return row
}

/** Nobody has more apps behind one issuer and audience, and each is tried for a token. */
const MAX_ISSUERS = 20

/** All that take tokens of this issuer for this audience, the oldest first, each with the key that its tokens open. */
export const findIssuers = (db: Sql, issuer: string, audience: string) =>
  db
    .select({
      ...opened,
      secretExpiresAt: keys.expiresAt,
      token: {
        id: issuers.id,
        issuer: issuers.issuer,
        audience: issuers.audience,
        algorithm: issuers.algorithm,
        secret: issuers.secret,
        jwksUrl: issuers.jwksUrl,
        jwks: issuers.jwks,
        userRequestsPerMinute: issuers.userRequestsPerMinute,
      },
    })
    .from(issuers)
    .innerJoin(keys, live.key(issuers.key))
    .innerJoin(projects, live.project)
    .innerJoin(organisations, live.organisation)
    .where(and(eq(issuers.issuer, issuer), eq(issuers.audience, audience)))
    .orderBy(asc(issuers.id))
    .limit(MAX_ISSUERS)
