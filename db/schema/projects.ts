import { index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { OrganisationId, ProjectId } from '../../proto/ids.ts'
import type { ResponseCache } from '../../proto/response-cache.ts'
import { limitColumns } from './limit-columns.ts'
import { organisations } from './organisations.ts'

/** Who pays and who is served fairly beside others. Its limits are those of all its keys together. */
export const projects = pgTable(
  'projects',
  {
    id: text().$type<ProjectId>().primaryKey(),
    organisation: text('organisation_id')
      .$type<OrganisationId>()
      .notNull()
      .references(() => organisations.id),
    name: text().notNull(),
    ...limitColumns(),
    /** Its answers may be given again; null is never. */
    cache: jsonb().$type<ResponseCache>(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    archivedAt: timestamp({ withTimezone: true }),
  },
  (t) => [index().on(t.organisation, t.id)],
)
