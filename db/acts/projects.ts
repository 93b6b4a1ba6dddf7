import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm'
import { newProjectId, type ProjectId } from '../../proto/ids.ts'
import { UNLIMITED } from '../../proto/limits.ts'
import type {
  ModelLimits,
  NewProject,
  ProjectPatch,
  ProjectQuery,
  ProjectView,
} from '../../proto/organisations.ts'
import type { Page } from '../../proto/paging.ts'
import type { Sql } from '../client.ts'
import { limitsOfModels } from '../queries/limits-of-models.ts'
import { pageFrom } from '../queries/page.ts'
import { modelLimits } from '../schema/model-limits.ts'
import { projects } from '../schema/projects.ts'
import { Failure } from '../../proto/failure.ts'
import { act, type Actor } from './act.ts'
import { notThere, projectsOf, requireReach } from './domain.ts'
import { archivedAtOf, changeOf, readOrganisation } from './organisations.ts'

export async function listProjects(
  db: Sql,
  { domain }: Actor,
  { limit, after, organisation }: ProjectQuery,
): Promise<Page<ProjectView>> {
  const rows = await selectProjects(db)
    .where(
      and(
        projectsOf(domain),
        organisation && eq(projects.organisation, organisation),
        after ? lt(projects.id, after as ProjectId) : undefined,
      ),
    )
    .orderBy(desc(projects.id))
    .limit(limit + 1)
  return pageFrom(rows, limit, viewOf)
}

export async function readProject(db: Sql, { domain }: Actor, id: ProjectId): Promise<ProjectView> {
  const [row] = await selectProjects(db).where(and(eq(projects.id, id), projectsOf(domain)))
  if (!row) throw notThere('project', id)
  return viewOf(row)
}

export function createProject(db: Sql, actor: Actor, wanted: NewProject): Promise<ProjectView> {
  requireReach(actor.domain, 'organisation')
  const organisation = wanted.organisation ?? actor.home.organisation
  return act(db, actor, async (tx) => {
    await readOrganisation(tx, actor, organisation)
    const id = newProjectId()
    await tx.insert(projects).values({ ...wanted, id, organisation })
    const after = await readProject(tx, actor, id)
    return { ...doneTo(after), action: 'project.create', before: null }
  })
}

/** Nobody could undo it with this key. */
const OWN =
  'The key that asks is of this project: it would close behind itself. Ask with a key of another.'

/** The limits of a project, and whether it is archived, are for who stands above it. */
export function updateProject(
  db: Sql,
  actor: Actor,
  [id, { archived, ...patch }]: [ProjectId, ProjectPatch],
): Promise<ProjectView> {
  requireReach(actor.domain, 'organisation')
  if (archived && id === actor.home.project)
    throw new Failure('invalid', OWN, { param: 'archived' })
  return act(db, actor, async (tx) => {
    const before = await lockProject(tx, actor, id)
    const was = before.archivedAt === null ? null : new Date(before.archivedAt)
    await tx
      .update(projects)
      .set({ ...patch, archivedAt: archivedAtOf(archived, was) })
      .where(eq(projects.id, id))
    const done = doneTo(await readProject(tx, actor, id))
    return { ...done, action: `project.${changeOf(archived)}` as const, before }
  })
}

export function setModelLimits(
  db: Sql,
  actor: Actor,
  [project, model, wanted]: [ProjectId, string, ModelLimits],
): Promise<ProjectView> {
  requireReach(actor.domain, 'organisation')
  return act(db, actor, async (tx) => {
    const before = await lockProject(tx, actor, project)
    const set = { ...UNLIMITED, ...wanted }
    await tx
      .insert(modelLimits)
      .values({ project, model, ...set })
      .onConflictDoUpdate({ target: [modelLimits.project, modelLimits.model], set })
    return { ...doneTo(await readProject(tx, actor, project)), action: 'limits.set', before }
  })
}

export function removeModelLimits(
  db: Sql,
  actor: Actor,
  [project, model]: [ProjectId, string],
): Promise<ProjectView> {
  requireReach(actor.domain, 'organisation')
  return act(db, actor, async (tx) => {
    const before = await lockProject(tx, actor, project)
    const removed = await tx
      .delete(modelLimits)
      .where(and(eq(modelLimits.project, project), eq(modelLimits.model, model)))
      .returning()
    if (removed.length === 0) throw notThere('limit of the model', model, 'model')
    return { ...doneTo(await readProject(tx, actor, project)), action: 'limits.remove', before }
  })
}

/** As it is, and nobody else changes it until this transaction is over. */
async function lockProject(tx: Sql, actor: Actor, id: ProjectId): Promise<ProjectView> {
  await tx.select({ id: projects.id }).from(projects).where(eq(projects.id, id)).for('update')
  return readProject(tx, actor, id)
}

const selectProjects = (db: Sql) =>
  db.select({ ...getTableColumns(projects), modelLimits: limitsOfModels }).from(projects)

const doneTo = (after: ProjectView) => ({
  result: after,
  target: after.id,
  organisation: after.organisation,
  project: after.id,
  after,
})

const viewOf = (row: Awaited<ReturnType<typeof selectProjects>>[number]): ProjectView => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  archivedAt: row.archivedAt?.toISOString() ?? null,
})
