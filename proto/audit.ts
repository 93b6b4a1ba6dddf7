import { z } from 'zod'
import { AuditId, KeyId, OrganisationId, ProjectId } from './ids.ts'
import { pageOf, Paging } from './paging.ts'

export const AuditAction = z.enum([
  'organisation.create',
  'organisation.update',
  'organisation.archive',
  'organisation.restore',
  'project.create',
  'project.update',
  'project.archive',
  'project.restore',
  'key.create',
  'key.update',
  'key.rotate',
  'key.revoke',
  'limits.set',
  'limits.remove',
  'price.set',
  'budget.create',
  'budget.update',
  'budget.remove',
  'issuer.create',
  'issuer.update',
  'issuer.remove',
])
export type AuditAction = z.infer<typeof AuditAction>

/** One act of an admin. `before` and `after` are what the API shows of its target, so they hold no secret. */
export const AuditEntry = z.object({
  id: AuditId,
  at: z.iso.datetime(),
  /** The key that acted. */
  actor: KeyId,
  action: AuditAction,
  target: z.string(),
  organisation: OrganisationId.nullable(),
  project: ProjectId.nullable(),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  requestId: z.string(),
  /** The client's, where it is known. */
  address: z.string().nullable(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

export const AuditPage = pageOf(AuditEntry)

export const AuditQuery = Paging.extend({
  actor: KeyId.optional(),
  target: z
    .string()
    .regex(/^[a-z]{1,10}_[0-9a-f-]{36}$/, 'It is an id, such as "key_…".')
    .optional(),
  action: AuditAction.optional(),
  organisation: OrganisationId.optional(),
  project: ProjectId.optional(),
  /** Not before this, and before that. */
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
})
export type AuditQuery = z.infer<typeof AuditQuery>
