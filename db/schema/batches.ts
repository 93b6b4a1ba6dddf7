import { index, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { BatchId, FileId, GatewayId, KeyId, ProjectId } from '../../proto/ids.ts'
import type { BatchEndpoint, BatchError, BatchStatus } from '../../proto/openai/batches.ts'
import { projects } from './projects.ts'

const at = () => timestamp({ withTimezone: true })

export const batches = pgTable(
  'batches',
  {
    id: text().$type<BatchId>().primaryKey(),
    project: text()
      .$type<ProjectId>()
      .notNull()
      .references(() => projects.id),
    /** Whose requests they are: a key that is revoked meanwhile makes no more. */
    key: text().$type<KeyId>().notNull(),
    endpoint: text().$type<BatchEndpoint>().notNull(),
    inputFile: text().$type<FileId>().notNull(),
    /** Named when the batch is made, so that a gateway that finishes what another began writes the same ones. */
    outputFile: text().$type<FileId>().notNull(),
    errorFile: text().$type<FileId>().notNull(),
    status: text().$type<BatchStatus>().notNull(),
    errors: jsonb().$type<BatchError[]>(),
    metadata: jsonb().$type<Record<string, string>>(),
    total: integer().notNull().default(0),
    completed: integer().notNull().default(0),
    failed: integer().notNull().default(0),
    createdAt: at().notNull().defaultNow(),
    inProgressAt: at(),
    expiresAt: at().notNull(),
    finalizingAt: at(),
    completedAt: at(),
    failedAt: at(),
    expiredAt: at(),
    cancellingAt: at(),
    cancelledAt: at(),
    /** The gateway that carries it out, for as long as its lease lasts. */
    holder: text().$type<GatewayId>(),
    heldUntil: at(),
  },
  (t) => [index('batches_of_a_project').on(t.project, t.id), index('batches_to_do').on(t.status)],
)

/** One row a request that was carried out, until the batch is over and they are a file. */
export const batchResults = pgTable(
  'batch_results',
  {
    batch: text().$type<BatchId>().notNull(),
    /** Of the input file, from 1. */
    line: integer().notNull(),
    status: integer().notNull(),
    /** The line of the output, as JSON. */
    result: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.batch, t.line] })],
)
