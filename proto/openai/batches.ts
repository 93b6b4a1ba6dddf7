import { z } from 'zod'
import { BatchId, FileId } from '../ids.ts'
import { Metadata } from './metadata.ts'

/** Requests of one batch: OpenAI's own bound. */
export const MAX_BATCH_LINES = 50_000
export const WINDOW_MS = 24 * 60 * 60_000

export const BatchEndpoint = z.enum([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/responses',
])
export type BatchEndpoint = z.infer<typeof BatchEndpoint>

export const NewBatch = z.object({
  input_file_id: z.string().max(100),
  endpoint: BatchEndpoint,
  completion_window: z.literal('24h', { error: 'It must be "24h".' }),
  metadata: Metadata.nullish(),
})
export type NewBatch = z.infer<typeof NewBatch>

export const BatchStatus = z.enum([
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
])
export type BatchStatus = z.infer<typeof BatchStatus>

export const BatchError = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  /** Of the input file, from 1. */
  line: z.int().nullable(),
})
export type BatchError = z.infer<typeof BatchError>

const time = z.int().nullable()

/** Times are seconds since 1970. */
export const BatchObject = z.object({
  id: BatchId,
  object: z.literal('batch'),
  endpoint: BatchEndpoint,
  errors: z.object({ object: z.literal('list'), data: z.array(BatchError) }).nullable(),
  input_file_id: z.string(),
  completion_window: z.literal('24h'),
  status: BatchStatus,
  output_file_id: FileId.nullable(),
  error_file_id: FileId.nullable(),
  created_at: z.int(),
  in_progress_at: time,
  expires_at: time,
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
  metadata: Metadata.nullable(),
})
export type BatchObject = z.infer<typeof BatchObject>

export const BatchList = z.object({
  object: z.literal('list'),
  data: z.array(BatchObject),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

export const BatchQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: BatchId.optional(),
})

/** One line of the input file. */
export const BatchLine = z.object({
  custom_id: z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'It has characters that are none.'),
  method: z.literal('POST'),
  url: z.string(),
  body: z.record(z.string(), z.unknown()),
})
export type BatchLine = z.infer<typeof BatchLine>
