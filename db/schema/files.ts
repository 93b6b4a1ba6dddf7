import { bigint, index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { FileId, ProjectId } from '../../proto/ids.ts'
import type { FileObject } from '../../proto/openai/files.ts'
import { bytes } from './bytes.ts'
import { projects } from './projects.ts'

/** A file that is whole: it is written after its chunks. */
export const files = pgTable(
  'files',
  {
    id: text().$type<FileId>().primaryKey(),
    project: text()
      .$type<ProjectId>()
      .notNull()
      .references(() => projects.id),
    filename: text().notNull(),
    purpose: text().$type<FileObject['purpose']>().notNull(),
    sizeBytes: bigint({ mode: 'number' }).notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    expiresAt: timestamp({ withTimezone: true }),
  },
  (t) => [
    index('files_of_a_project').on(t.project, t.id),
    index('files_that_expire').on(t.expiresAt),
  ],
)

/** The bytes of a file in pieces that pass through memory one by one. Those of no file are of one that was never finished. */
export const fileChunks = pgTable(
  'file_chunks',
  {
    file: text().$type<FileId>().notNull(),
    seq: integer().notNull(),
    bytes: bytes().notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.file, t.seq] })],
)
