import { FileId, newFileId, type ProjectId } from '../proto/ids.ts'
import type { FileObject, FileQuery } from '../proto/openai/files.ts'
import type { Ask } from './money.ts'
import {
  bytesOf,
  findFile,
  listFiles,
  putChunk,
  putFile,
  readChunk,
  removeChunks,
  removeFile,
  sweepFiles,
  type FileRow,
} from './queries/files.ts'

/** Of each row of bytes: few questions a file, and little memory for each. */
const CHUNK_BYTES = 1024 * 1024

export interface FileHead {
  /** Named before, where whoever writes it may have to begin again. */
  id?: FileId
  filename: string
  purpose: FileObject['purpose']
  /** Milliseconds since 1970; `null` is kept until somebody deletes it. */
  expiresAtMs: number | null
}

/** Files in Postgres, however a runtime reaches it: every gateway has them, and a backup of one thing has everything. */
export const fileStore = (ask: Ask) => ({
  /** All of it or nothing: a file is there once its last byte is. */
  async put(
    project: ProjectId,
    head: FileHead,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<FileObject> {
    const id = head.id ?? newFileId()
    let [seq, sizeBytes] = [0, 0]
    await ask((db) => removeChunks(db, id))
    for await (const chunk of inChunks(source)) {
      const at = seq++
      sizeBytes += chunk.byteLength
      await ask((db) => putChunk(db, id, at, chunk))
    }
    const { filename, purpose, expiresAtMs } = head
    const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs)
    return viewOf(
      await ask((db) => putFile(db, { id, project, filename, purpose, sizeBytes, expiresAt })),
    )
  },

  async find(project: ProjectId, id: string): Promise<FileObject | undefined> {
    // What cannot be an id is nobody's, and a NUL is nothing that Postgres takes.
    const known = FileId.safeParse(id)
    const row = known.success && (await ask((db) => findFile(db, project, known.data)))
    return row ? viewOf(row) : undefined
  },

  /** One more than was asked for tells that there are more. */
  async list(project: ProjectId, query: FileQuery): Promise<FileObject[]> {
    return (await ask((db) => listFiles(db, project, query))).map(viewOf)
  },

  async *read(id: FileId): AsyncGenerator<Uint8Array> {
    for (let seq = 0; ; seq++) {
      const chunk = await ask((db) => readChunk(db, id, seq))
      if (!chunk) return
      yield chunk
    }
  },

  remove: (project: ProjectId, id: FileId): Promise<boolean> =>
    ask((db) => removeFile(db, project, id)),

  /** Of all files of a project. */
  bytesOf: (project: ProjectId): Promise<number> => ask((db) => bytesOf(db, project)),

  sweep: (): Promise<void> => ask(sweepFiles),
})

const viewOf = ({
  id,
  sizeBytes,
  createdAt,
  expiresAt,
  filename,
  purpose,
}: FileRow): FileObject => ({
  id,
  object: 'file',
  bytes: sizeBytes,
  created_at: Math.floor(createdAt.getTime() / 1000),
  ...(expiresAt && { expires_at: Math.floor(expiresAt.getTime() / 1000) }),
  filename,
  purpose,
  status: 'processed',
})

/** The same bytes in pieces of one size, the last as it comes. */
async function* inChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK_BYTES)
  let filled = 0
  for await (const bytes of source)
    for (let at = 0; at < bytes.byteLength;) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - filled)
      chunk.set(part, filled)
      filled += part.byteLength
      at += part.byteLength
      if (filled < CHUNK_BYTES) continue
      yield chunk
      chunk = new Uint8Array(CHUNK_BYTES)
      filled = 0
    }
  if (filled > 0) yield chunk.subarray(0, filled)
}
