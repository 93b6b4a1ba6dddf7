import type { AuditAction } from '../../proto/audit.ts'
import { newAuditId, type KeyId, type OrganisationId, type ProjectId } from '../../proto/ids.ts'
import type { Sql } from '../client.ts'
import { auditLog } from '../schema/audit-log.ts'

/** What somebody may manage: `null` is all of them. */
export interface Domain {
  organisation: OrganisationId | null
  project: ProjectId | null
}

/** An admin and the request in which it acts. */
export interface Actor {
  key: KeyId
  domain: Domain
  /** Where what it makes belongs if it does not say. */
  home: { organisation: OrganisationId; project: ProjectId }
  requestId: string
  address: string | null
}

/** What an act did, for the log and for whoever asked. */
export interface Done<T> {
  result: T
  action: AuditAction
  target: string
  organisation: OrganisationId | null
  project: ProjectId | null
  before: object | null
  after: object | null
}

/** Carries out a change and writes it down: both happen, or neither. */
export const act = <T>(db: Sql, actor: Actor, change: (tx: Sql) => Promise<Done<T>>): Promise<T> =>
  db.transaction(async (tx) => {
    const { result, ...done } = await change(tx)
    const { key, requestId, address } = actor
    await tx.insert(auditLog).values({ ...done, id: newAuditId(), actor: key, requestId, address })
    return result
  })
