import { and, desc, eq, lt } from 'drizzle-orm'
import { newOrganisationId, type OrganisationId } from '../../proto/ids.ts'
import type {
  NewOrganisation,
  OrganisationPatch,
  OrganisationView,
} from '../../proto/organisations.ts'
import type { Page, Paging } from '../../proto/paging.ts'
import type { Sql } from '../client.ts'
import { pageFrom } from '../queries/page.ts'
import { organisations } from '../schema/organisations.ts'
import { Failure } from '../../proto/failure.ts'
import { act, type Actor, type Domain } from './act.ts'
import { notThere, requireReach } from './domain.ts'

export async function listOrganisations(
  db: Sql,
  { domain }: Actor,
  { limit, after }: Paging,
): Promise<Page<OrganisationView>> {
  const rows = await db
    .select()
    .from(organisations)
    .where(and(inDomain(domain), after ? lt(organisations.id, after as OrganisationId) : undefined))
    .orderBy(desc(organisations.id))
    .limit(limit + 1)
  return pageFrom(rows, limit, viewOf)
}

export async function readOrganisation(
  db: Sql,
  { domain }: Actor,
  id: OrganisationId,
): Promise<OrganisationView> {
  const [row] = await db
    .select()
    .from(organisations)
    .where(and(eq(organisations.id, id), inDomain(domain)))
  if (!row) throw notThere('organisation', id)
  return viewOf(row)
}

export function createOrganisation(
  db: Sql,
  actor: Actor,
  { name }: NewOrganisation,
): Promise<OrganisationView> {
  requireReach(actor.domain, 'deployment')
  return act(db, actor, async (tx) => {
    const [row] = await tx
      .insert(organisations)
      .values({ id: newOrganisationId(), name })
      .returning()
    if (!row) throw new Error('an insert returned no row')
    const after = viewOf(row)
    return { ...doneTo(row.id), result: after, action: 'organisation.create', before: null, after }
  })
}

/** Nobody could undo it with this key. */
const OWN =
  'The key that asks is of this organisation: it would close behind itself. Ask with a key of another.'

/** An organisation may be renamed from within; whether it is archived is the deployment's to say. */
export function updateOrganisation(
  db: Sql,
  actor: Actor,
  [id, { name, archived }]: [OrganisationId, OrganisationPatch],
): Promise<OrganisationView> {
  requireReach(actor.domain, archived === undefined ? 'organisation' : 'deployment')
  if (archived && id === actor.home.organisation)
    throw new Failure('invalid', OWN, { param: 'archived' })
  return act(db, actor, async (tx) => {
    const mine = and(eq(organisations.id, id), inDomain(actor.domain))
    const [was] = await tx.select().from(organisations).where(mine).for('update')
    if (!was) throw notThere('organisation', id)
    const [row] = await tx
      .update(organisations)
      .set({ name: name ?? was.name, archivedAt: archivedAtOf(archived, was.archivedAt) })
      .where(mine)
      .returning()
    if (!row) throw notThere('organisation', id)
    const [before, after] = [viewOf(was), viewOf(row)]
    const action = `organisation.${changeOf(archived)}` as const
    return { ...doneTo(id), result: after, action, before, after }
  })
}

/** The first time stands. */
export const archivedAtOf = (archived: boolean | undefined, was: Date | null): Date | null =>
  archived === undefined ? was : archived ? (was ?? new Date()) : null

export const changeOf = (archived: boolean | undefined) =>
  archived === undefined ? 'update' : archived ? 'archive' : 'restore'

const inDomain = ({ organisation }: Domain) =>
  organisation === null ? undefined : eq(organisations.id, organisation)

const doneTo = (id: OrganisationId) => ({ target: id, organisation: id, project: null })

const viewOf = (row: typeof organisations.$inferSelect): OrganisationView => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  archivedAt: row.archivedAt?.toISOString() ?? null,
})
