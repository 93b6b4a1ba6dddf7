import type { BatchId, FileId, GatewayId, KeyId, ProjectId } from '../../proto/ids.ts'
import type { BatchEndpoint, BatchError, BatchStatus } from '../../proto/openai/batches.ts'
import { openedKey, type OpenedKey } from '../auth/key-of.ts'
import type { Key } from '../ports.ts'

/** A batch as whoever carries it out knows it. */
export interface HeldBatch {
  id: BatchId
  project: ProjectId
  key: KeyId
  endpoint: BatchEndpoint
  inputFile: FileId
  outputFile: FileId
  errorFile: FileId
  status: BatchStatus
  total: number
  expiresAt: Date
}

export interface BatchChange {
  status?: BatchStatus
  errors?: BatchError[]
  total?: number
  completed?: number
  failed?: number
  inProgressAt?: Date
  finalizingAt?: Date
  completedAt?: Date
  failedAt?: Date
  expiredAt?: Date
  cancelledAt?: Date
}

export interface ResultRow {
  line: number
  status: number
  result: string
}

/** The store of batches, for who carries them out. */
export interface BatchWork {
  /** The oldest batch that nobody carries out is this gateway's, until its lease runs out. */
  lease(holder: GatewayId): Promise<HeldBatch | undefined>
  /** Renews the lease, and writes a change. Nothing where another has it. */
  hold(
    batch: { id: BatchId; holder: GatewayId },
    change?: BatchChange,
  ): Promise<HeldBatch | undefined>
  /** Whether there is any that is not over. */
  anyOpen(): Promise<boolean>
  release(id: BatchId, holder: GatewayId): Promise<void>
  done(id: BatchId): Promise<{ line: number; status: number }[]>
  putResult(id: BatchId, row: ResultRow): Promise<void>
  results(id: BatchId, page: { after: number; limit: number }): Promise<ResultRow[]>
  forgetResults(id: BatchId): Promise<void>
  /** The key in whose name it is carried out, unless it was revoked. */
  keyOf: (id: KeyId) => Promise<Key | undefined>
}

/** The store as it answers, with keys as requests need them. */
export const batchWork = (
  store: Omit<BatchWork, 'keyOf'> & {
    keyOf: (id: KeyId) => Promise<OpenedKey | undefined>
  },
): BatchWork => ({
  ...store,
  keyOf: async (id) => {
    const row = await store.keyOf(id)
    return row && openedKey(row)
  },
})
