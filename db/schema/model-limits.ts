import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { ProjectId } from '../../proto/ids.ts'
import { limitColumns } from './limit-columns.ts'
import { projects } from './projects.ts'

/** How much a project may take of one model. No row is no limit. */
export const modelLimits = pgTable(
  'model_limits',
  {
    project: text('project_id')
      .$type<ProjectId>()
      .notNull()
      .references(() => projects.id),
    model: text().notNull(),
    ...limitColumns(),
  },
  (t) => [primaryKey({ columns: [t.project, t.model] })],
)
