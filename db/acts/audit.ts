import { and, desc, eq, gte, lt } from 'drizzle-orm'
import type { AuditEntry, AuditQuery } from '../../proto/audit.ts'
import type { AuditId } from '../../proto/ids.ts'
import type { Page } from '../../proto/paging.ts'
import type { Sql } from '../client.ts'
import { pageFrom } from '../queries/page.ts'
import { auditLog } from '../schema/audit-log.ts'
import type { Actor } from './act.ts'

/** The newest first. Who manages less than everything reads of what it manages. */
export async function listAudit(
  db: Sql,
  { domain }: Actor,
  { limit, after, since, until, ...wanted }: AuditQuery,
): Promise<Page<AuditEntry>> {
  const { actor, target, action, organisation, project } = wanted
  const rows = await db
    .select()
    .from(auditLog)
    .where(
      and(
        domain.organisation === null ? undefined : eq(auditLog.organisation, domain.organisation),
        domain.project === null ? undefined : eq(auditLog.project, domain.project),
        actor && eq(auditLog.actor, actor),
        target === undefined ? undefined : eq(auditLog.target, target),
        action && eq(auditLog.action, action),
        organisation && eq(auditLog.organisation, organisation),
        project && eq(auditLog.project, project),
        since === undefined ? undefined : gte(auditLog.at, new Date(since)),
        until === undefined ? undefined : lt(auditLog.at, new Date(until)),
        after ? lt(auditLog.id, after as AuditId) : undefined,
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit + 1)
  return pageFrom(rows, limit, viewOf)
}

const viewOf = (row: typeof auditLog.$inferSelect): AuditEntry => ({
  ...row,
  at: row.at.toISOString(),
  before: row.before as AuditEntry['before'],
  after: row.after as AuditEntry['after'],
})
