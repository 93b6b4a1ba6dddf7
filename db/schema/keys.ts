import { sql } from 'drizzle-orm'
import { check, index, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { KeyScope, Reach } from '../../proto/admin.ts'
import type { KeyId, ProjectId } from '../../proto/ids.ts'
import type { RouteFamily } from '../../proto/scopes.ts'
import { limitColumns } from './limit-columns.ts'
import { projects } from './projects.ts'

export const keyScope = pgEnum('key_scope', KeyScope.enum)
export const keyReach = pgEnum('key_reach', Reach.enum)

/** One row an API key, for ever: usage is billed to its id. What opens with it is in `key_secrets`. */
export const keys = pgTable(
  'keys',
  {
    id: text().$type<KeyId>().primaryKey(),
    project: text('project_id')
      .$type<ProjectId>()
      .notNull()
      .references(() => projects.id),
    name: text().notNull(),
    scope: keyScope().notNull(),
    /** What an admin may manage, seen from its own project; of a developer it is nothing. */
    reach: keyReach(),
    /** Null is all of them; of none a key would be of no use. */
    routes: text().array().$type<RouteFamily[]>(),
    models: text().array(),
    cidrs: text().array(),
    ...limitColumns(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp({ withTimezone: true }),
    revokedAt: timestamp({ withTimezone: true }),
  },
  (t) => [
    index().on(t.project, t.id),
    check('an_admin_has_a_reach', sql`(${t.scope} = 'admin') = (${t.reach} is not null)`),
    check('a_key_allows_some_requests', sql`${t.requestsPerMinute} > 0`),
  ],
)
