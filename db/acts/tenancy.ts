import type { Sql } from '../client.ts'
import type { Actor } from './act.ts'
import { listAudit } from './audit.ts'
import { createIssuer, listIssuers, removeIssuer } from './issuers.ts'
import { createKey, listKeys, readKey, revokeKey, rotateKey, updateKey } from './keys.ts'
import {
  createOrganisation,
  listOrganisations,
  readOrganisation,
  updateOrganisation,
} from './organisations.ts'
import {
  createProject,
  listProjects,
  readProject,
  removeModelLimits,
  setModelLimits,
  updateProject,
} from './projects.ts'

const reads = {
  listAudit,
  listIssuers,
  listKeys,
  listOrganisations,
  listProjects,
  readKey,
  readOrganisation,
  readProject,
}
const writes = {
  createIssuer,
  removeIssuer,
  createKey,
  createOrganisation,
  createProject,
  removeModelLimits,
  revokeKey,
  rotateKey,
  setModelLimits,
  updateKey,
  updateOrganisation,
  updateProject,
}

type Query = (db: Sql, actor: Actor, what: never) => Promise<unknown>
type Bound<Q extends Record<string, Query>> = {
  [K in keyof Q]: (actor: Actor, what: Parameters<Q[K]>[2]) => ReturnType<Q[K]>
}
export type BoundTenancy = Bound<typeof reads & typeof writes>

/** What a runtime lends to all of them: a way to the database, and one to tell of a change. */
export interface Means {
  ask: <T>(query: (db: Sql) => Promise<T>) => Promise<T>
  /** Tells every gateway, this one first, to forget what it remembers of keys. */
  changed: () => Promise<void>
}

/** Everything an admin can do, for a gateway of any runtime. */
export function tenancyOver({ ask, changed }: Means): BoundTenancy {
  const bound =
    (query: Query, then: () => Promise<void> | void) =>
    async (...args: [Actor, never]) => {
      const result = await ask((db) => query(db, ...args))
      await then()
      return result
    }
  const all = (queries: Record<string, Query>, then: () => Promise<void> | void) =>
    Object.entries(queries).map(([name, query]) => [name, bound(query, then)])
  return Object.fromEntries([...all(reads, () => {}), ...all(writes, changed)]) as BoundTenancy
}
