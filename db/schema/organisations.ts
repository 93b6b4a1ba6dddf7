import { pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { OrganisationId } from '../../proto/ids.ts'

/** A customer, or a house. Archived, not deleted: usage and the audit name it for ever. */
export const organisations = pgTable('organisations', {
  id: text().$type<OrganisationId>().primaryKey(),
  name: text().notNull(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  archivedAt: timestamp({ withTimezone: true }),
})
