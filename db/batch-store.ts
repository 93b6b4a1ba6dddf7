import {
  BatchId,
  newBatchId,
  newFileId,
  type GatewayId,
  type KeyId,
  type ProjectId,
} from '../proto/ids.ts'
import { WINDOW_MS, type BatchObject, type NewBatch } from '../proto/openai/batches.ts'
import type { FileId } from '../proto/ids.ts'
import type { Ask } from './money.ts'
import {
  anyOpen,
  cancelBatch,
  createBatch,
  findBatch,
  holdBatch,
  leaseBatch,
  linesDone,
  listBatches,
  putResult,
  readResults,
  releaseBatch,
  removeResults,
  type BatchChange,
  type BatchRow,
  type ResultRow,
} from './queries/batches.ts'
import { findKeyById, type OpenedKey } from './queries/find-key.ts'

/** Batches in Postgres, however a runtime reaches it. */
export const batchStore = (ask: Ask) => ({
  async create(project: ProjectId, key: KeyId, wanted: NewBatch): Promise<BatchObject> {
    const row = await ask((db) =>
      createBatch(db, {
        id: newBatchId(),
        project,
        key,
        endpoint: wanted.endpoint,
        inputFile: wanted.input_file_id as FileId,
        outputFile: newFileId(),
        errorFile: newFileId(),
        status: 'validating',
        metadata: wanted.metadata ?? null,
        expiresAt: new Date(Date.now() + WINDOW_MS),
      }),
    )
    return viewOf(row)
  },

  async find(project: ProjectId, id: string): Promise<BatchObject | undefined> {
    const known = BatchId.safeParse(id)
    const row = known.success && (await ask((db) => findBatch(db, project, known.data)))
    return row ? viewOf(row) : undefined
  },

  /** One more than was asked for tells that there are more. */
  async list(
    project: ProjectId,
    query: { limit: number; after?: BatchId | undefined },
  ): Promise<BatchObject[]> {
    return (await ask((db) => listBatches(db, project, query))).map(viewOf)
  },

  async cancel(project: ProjectId, id: string): Promise<BatchObject | undefined> {
    const known = BatchId.safeParse(id)
    const row = known.success && (await ask((db) => cancelBatch(db, project, known.data)))
    return row ? viewOf(row) : undefined
  },

  lease: (holder: GatewayId): Promise<BatchRow | undefined> => ask((db) => leaseBatch(db, holder)),
  hold: (
    batch: { id: BatchId; holder: GatewayId },
    change?: BatchChange,
  ): Promise<BatchRow | undefined> => ask((db) => holdBatch(db, batch, change)),
  release: (id: BatchId, holder: GatewayId): Promise<void> =>
    ask((db) => releaseBatch(db, id, holder)),
  anyOpen: (): Promise<boolean> => ask(anyOpen),
  done: (id: BatchId): Promise<{ line: number; status: number }[]> =>
    ask((db) => linesDone(db, id)),
  putResult: (id: BatchId, row: ResultRow): Promise<void> => ask((db) => putResult(db, id, row)),
  results: (id: BatchId, page: { after: number; limit: number }): Promise<ResultRow[]> =>
    ask((db) => readResults(db, id, page)),
  forgetResults: (id: BatchId): Promise<void> => ask((db) => removeResults(db, id)),
  /** In whose name it is carried out. */
  keyOf: (id: KeyId): Promise<OpenedKey | undefined> => ask((db) => findKeyById(db, id)),
})

const seconds = (date: Date | null): number | null =>
  date === null ? null : Math.floor(date.getTime() / 1000)

/** Files are told of once they are there: what has no line of its kind is none. */
const viewOf = (row: BatchRow): BatchObject => {
  const over = row.completedAt ?? row.expiredAt ?? row.cancelledAt
  return {
    id: row.id,
    object: 'batch',
    endpoint: row.endpoint,
    errors: row.errors && { object: 'list', data: row.errors },
    input_file_id: row.inputFile,
    completion_window: '24h',
    status: row.status,
    output_file_id: over && row.completed > 0 ? row.outputFile : null,
    error_file_id: over && row.failed > 0 ? row.errorFile : null,
    created_at: Math.floor(row.createdAt.getTime() / 1000),
    in_progress_at: seconds(row.inProgressAt),
    expires_at: seconds(row.expiresAt),
    finalizing_at: seconds(row.finalizingAt),
    completed_at: seconds(row.completedAt),
    failed_at: seconds(row.failedAt),
    expired_at: seconds(row.expiredAt),
    cancelling_at: seconds(row.cancellingAt),
    cancelled_at: seconds(row.cancelledAt),
    request_counts: { total: row.total, completed: row.completed, failed: row.failed },
    metadata: row.metadata,
  }
}
