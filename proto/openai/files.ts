import { z } from 'zod'
import { FileId } from '../ids.ts'

/** Of one file: it passes through the memory of a gateway. */
export const MAX_FILE_BYTES = 32 * 1024 * 1024
/** Of all files of a project together. */
export const MAX_PROJECT_BYTES = 2 * 1024 * 1024 * 1024
export const MAX_FILES_LISTED = 1_000

export const Purpose = z.enum(['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'])
export type Purpose = z.infer<typeof Purpose>

/** What a file says of itself; its bytes are elsewhere. */
export const FileObject = z.object({
  id: FileId,
  object: z.literal('file'),
  bytes: z.int().nonnegative(),
  /** Seconds since 1970. */
  created_at: z.int(),
  expires_at: z.int().optional(),
  filename: z.string(),
  purpose: z.union([Purpose, z.literal('batch_output')]),
  status: z.literal('processed'),
})
export type FileObject = z.infer<typeof FileObject>

export const FileList = z.object({
  object: z.literal('list'),
  data: z.array(FileObject),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

export const DeletedFile = z.object({
  id: FileId,
  object: z.literal('file'),
  deleted: z.literal(true),
})

export const FileQuery = z.object({
  purpose: z
    .string()
    .regex(/^[a-z_-]{1,50}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(MAX_FILES_LISTED),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: FileId.optional(),
})
export type FileQuery = z.infer<typeof FileQuery>
