import type { z } from 'zod'
import {
  CreatedKey,
  KeyList,
  KeyView,
  type KeyPatch,
  type KeyQuery,
  type NewKey,
  type Rotation,
} from '../proto/admin.ts'
import { AuditPage, type AuditEntry, type AuditQuery } from '../proto/audit.ts'
import {
  OrganisationPage,
  OrganisationView,
  ProjectPage,
  ProjectView,
  type ModelLimits,
  type NewProject,
  type OrganisationPatch,
  type ProjectPatch,
  type ProjectQuery,
} from '../proto/organisations.ts'
import type { Page, Paging } from '../proto/paging.ts'

export type Call = <S extends z.ZodType>(
  schema: S,
  method: string,
  path: string,
  ...body: [unknown?]
) => Promise<z.infer<S>>

/** Those of a list, as far as `limit` goes; a gateway gives out a hundred at once. */
type Which<Q extends Paging> = Partial<Omit<Q, 'after'>>

const PAGE = 100

/** Organisations, projects, keys and the audit log, as programs for people ask for them. */
export class TenancyClient {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  listOrganisations(which: Which<Paging> = {}): Promise<OrganisationView[]> {
    return this.#all(OrganisationPage, '/admin/organisations', which)
  }

  createOrganisation(name: string): Promise<OrganisationView> {
    return this.#call(OrganisationView, 'POST', '/admin/organisations', { name })
  }

  updateOrganisation(id: string, patch: OrganisationPatch): Promise<OrganisationView> {
    return this.#call(OrganisationView, 'PATCH', `/admin/organisations/${part(id)}`, patch)
  }

  listProjects(which: Which<ProjectQuery> = {}): Promise<ProjectView[]> {
    return this.#all(ProjectPage, '/admin/projects', which)
  }

  readProject(id: string): Promise<ProjectView> {
    return this.#call(ProjectView, 'GET', `/admin/projects/${part(id)}`)
  }

  createProject(project: z.input<typeof NewProject>): Promise<ProjectView> {
    return this.#call(ProjectView, 'POST', '/admin/projects', project)
  }

  updateProject(id: string, patch: ProjectPatch): Promise<ProjectView> {
    return this.#call(ProjectView, 'PATCH', `/admin/projects/${part(id)}`, patch)
  }

  setModelLimits(id: string, model: string, limits: ModelLimits): Promise<ProjectView> {
    const path = `/admin/projects/${part(id)}/limits/${part(model)}`
    return this.#call(ProjectView, 'PUT', path, limits)
  }

  removeModelLimits(id: string, model: string): Promise<ProjectView> {
    const path = `/admin/projects/${part(id)}/limits/${part(model)}`
    return this.#call(ProjectView, 'DELETE', path)
  }

  listKeys(which: Which<KeyQuery> = {}): Promise<KeyView[]> {
    return this.#all(KeyList, '/admin/keys', which)
  }

  readKey(id: string): Promise<KeyView> {
    return this.#call(KeyView, 'GET', `/admin/keys/${part(id)}`)
  }

  createKey(key: z.input<typeof NewKey>): Promise<CreatedKey> {
    return this.#call(CreatedKey, 'POST', '/admin/keys', key)
  }

  updateKey(id: string, patch: KeyPatch): Promise<KeyView> {
    return this.#call(KeyView, 'PATCH', `/admin/keys/${part(id)}`, patch)
  }

  rotateKey(id: string, rotation: Rotation): Promise<CreatedKey> {
    return this.#call(CreatedKey, 'POST', `/admin/keys/${part(id)}/rotate`, rotation)
  }

  revokeKey(id: string): Promise<KeyView> {
    return this.#call(KeyView, 'DELETE', `/admin/keys/${part(id)}`)
  }

  audit(which: Which<AuditQuery> = {}): Promise<AuditEntry[]> {
    return this.#all(AuditPage, '/admin/audit', which)
  }

  async #all<T extends { id: string }>(
    schema: z.ZodType<Page<T>>,
    path: string,
    { limit: most = PAGE, ...which }: Record<string, unknown> & { limit?: number },
  ): Promise<T[]> {
    const all: T[] = []
    for (let hasMore = true; hasMore && all.length < most;) {
      const asked = { ...which, limit: Math.min(PAGE, most - all.length), after: all.at(-1)?.id }
      const page: Page<T> = await this.#call(schema, 'GET', `${path}?${searchOf(asked)}`)
      all.push(...page.data)
      hasMore = page.hasMore && page.data.length > 0
    }
    return all
  }
}

const part = encodeURIComponent

const searchOf = (query: object): string =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  ).toString()
