import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm'
import type { FileId, ProjectId } from '../../proto/ids.ts'
import type { FileQuery } from '../../proto/openai/files.ts'
import type { Db } from '../client.ts'
import { fileChunks, files } from '../schema/files.ts'

export type FileRow = typeof files.$inferSelect
export type NewFile = Omit<FileRow, 'createdAt'>

/** A chunk that is there already was written by whoever began this file before. */
export async function putChunk(
  db: Db,
  file: FileId,
  seq: number,
  bytes: Uint8Array,
): Promise<void> {
  await db.insert(fileChunks).values({ file, seq, bytes }).onConflictDoNothing()
}

/** Makes its chunks a file. */
export async function putFile(db: Db, file: NewFile): Promise<FileRow> {
  const [row] = await db.insert(files).values(file).onConflictDoNothing().returning()
  if (row) return row
  const [known] = await db.select().from(files).where(eq(files.id, file.id))
  if (!known) throw new Error('a file that was inserted is not there')
  return known
}

const alive = sql`(${files.expiresAt} is null or ${files.expiresAt} > now())`
/** A batch that is not over reads it yet. */
const isInput = sql`exists (select from batches where batches.input_file = ${files.id}
  and batches.status in ('validating', 'in_progress', 'finalizing', 'cancelling'))`

const ofProject = (project: ProjectId, id: FileId) =>
  and(eq(files.project, project), eq(files.id, id), alive)

export async function findFile(
  db: Db,
  project: ProjectId,
  id: FileId,
): Promise<FileRow | undefined> {
  const [row] = await db.select().from(files).where(ofProject(project, id))
  return row
}

/** One more than was asked for tells that there are more. */
export async function listFiles(
  db: Db,
  project: ProjectId,
  { purpose, limit, order, after }: FileQuery,
): Promise<FileRow[]> {
  const beyond =
    after === undefined ? undefined : order === 'asc' ? gt(files.id, after) : lt(files.id, after)
  const wanted =
    purpose === undefined ? undefined : eq(files.purpose, purpose as FileRow['purpose'])
  return db
    .select()
    .from(files)
    .where(and(eq(files.project, project), alive, wanted, beyond))
    .orderBy(order === 'asc' ? asc(files.id) : desc(files.id))
    .limit(limit + 1)
}

export async function readChunk(
  db: Db,
  file: FileId,
  seq: number,
): Promise<Uint8Array | undefined> {
  const [row] = await db
    .select({ bytes: fileChunks.bytes })
    .from(fileChunks)
    .where(and(eq(fileChunks.file, file), eq(fileChunks.seq, seq)))
  return row?.bytes
}

/** The row first: what is left if this breaks off is chunks of no file, which are swept. */
export async function removeFile(db: Db, project: ProjectId, id: FileId): Promise<boolean> {
  const [row] = await db
    .delete(files)
    .where(and(ofProject(project, id), sql`not ${isInput}`))
    .returning({ id: files.id })
  if (!row) return false
  await removeChunks(db, row.id)
  return true
}

export async function removeChunks(db: Db, file: FileId): Promise<void> {
  await db.delete(fileChunks).where(eq(fileChunks.file, file))
}

export async function bytesOf(db: Db, project: ProjectId): Promise<number> {
  const [row] = await db
    .select({ sum: sql<string>`coalesce(sum(${files.sizeBytes}), 0)` })
    .from(files)
    .where(eq(files.project, project))
  return Number(row?.sum ?? 0)
}

/** Files whose time is over, and chunks of an hour ago that never became a file. */
export async function sweepFiles(db: Db): Promise<void> {
  await db.delete(files).where(and(lt(files.expiresAt, sql`now()`), sql`not ${isInput}`))
  await db.execute(sql`
    delete from file_chunks where created_at < now() - interval '1 hour'
      and not exists (select from files where files.id = file_chunks.file)`)
}
