import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm'
import { Failure } from '../../proto/failure.ts'
import { newIssuerId, type IssuerId } from '../../proto/ids.ts'
import {
  isLoopback,
  type IssuerQuery,
  type IssuerView,
  type NewIssuer,
} from '../../proto/issuers.ts'
import type { Page } from '../../proto/paging.ts'
import type { Sql } from '../client.ts'
import { pageFrom } from '../queries/page.ts'
import { issuers } from '../schema/issuers.ts'
import { keys } from '../schema/keys.ts'
import { projects } from '../schema/projects.ts'
import { act, type Actor } from './act.ts'
import { notThere, projectsOf, requireReach } from './domain.ts'
import { readKey } from './keys.ts'

export async function listIssuers(
  db: Sql,
  { domain }: Actor,
  { limit, after, key }: IssuerQuery,
): Promise<Page<IssuerView>> {
  const rows = await selectIssuers(db)
    .where(
      and(
        projectsOf(domain),
        key && eq(issuers.key, key),
        after ? lt(issuers.id, after as IssuerId) : undefined,
      ),
    )
    .orderBy(desc(issuers.id))
    .limit(limit + 1)
  return pageFrom(rows, limit, viewOf)
}

/** Lets a key be opened by tokens. `secret` has been sealed by then. */
export async function createIssuer(db: Sql, actor: Actor, wanted: NewIssuer): Promise<IssuerView> {
  // Whoever manages one project has no business on the gateway's own machine.
  if (wanted.jwksUrl !== undefined && isLoopback(wanted.jwksUrl))
    requireReach(actor.domain, 'deployment')
  return act(db, actor, async (tx) => {
    const key = await readKey(tx, actor, wanted.key)
    if (key.scope === 'admin')
      throw new Failure('invalid', 'It is an admin key: name a key of an app.', { param: 'key' })
    const id = newIssuerId()
    await tx.insert(issuers).values({ ...wanted, id })
    const row = await find(tx, actor, id)
    const after = viewOf(row)
    return { ...doneTo(row), result: after, action: 'issuer.create', before: null, after }
  })
}

export function removeIssuer(db: Sql, actor: Actor, id: IssuerId): Promise<IssuerView> {
  return act(db, actor, async (tx) => {
    const row = await find(tx, actor, id)
    await tx.delete(issuers).where(eq(issuers.id, id))
    const before = viewOf(row)
    return { ...doneTo(row), result: before, action: 'issuer.remove', before, after: null }
  })
}

async function find(db: Sql, { domain }: Actor, id: IssuerId) {
  const [row] = await selectIssuers(db).where(and(eq(issuers.id, id), projectsOf(domain)))
  if (!row) throw notThere('issuer', id)
  return row
}

const { secret: _secret, ...shown } = getTableColumns(issuers)

const selectIssuers = (db: Sql) =>
  db
    .select({ ...shown, project: projects.id, organisation: projects.organisation })
    .from(issuers)
    .innerJoin(keys, eq(keys.id, issuers.key))
    .innerJoin(projects, eq(projects.id, keys.project))

type Row = Awaited<ReturnType<typeof selectIssuers>>[number]

const doneTo = ({ id, organisation, project }: Row) => ({ target: id, organisation, project })

function viewOf(found: Row): IssuerView {
  const { project: _project, organisation: _organisation, ...row } = found
  return { ...row, createdAt: row.createdAt.toISOString() }
}
