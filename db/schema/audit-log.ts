import { index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { AuditAction } from '../../proto/audit.ts'
import type { AuditId, KeyId, OrganisationId, ProjectId } from '../../proto/ids.ts'

/** One row an act of an admin, written in the transaction of the act itself, and never changed. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: text().$type<AuditId>().primaryKey(),
    at: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** The key that acted. Without a reference: the log outlives what it names. */
    actor: text('actor_key_id').$type<KeyId>().notNull(),
    action: text().$type<AuditAction>().notNull(),
    /** The id of what was acted on. */
    target: text().notNull(),
    /** Whose it is: who may read the row. Null is the deployment's. */
    organisation: text('organisation_id').$type<OrganisationId>(),
    project: text('project_id').$type<ProjectId>(),
    /** As the API shows it, so without secrets; null where there was nothing, or nothing is left. */
    before: jsonb().$type<object>(),
    after: jsonb().$type<object>(),
    requestId: text().notNull(),
    /** The client's address, where it is known. */
    address: text(),
  },
  (t) => [
    index().on(t.organisation, t.id),
    index().on(t.project, t.id),
    index().on(t.target, t.id),
    index().on(t.actor, t.id),
  ],
)
