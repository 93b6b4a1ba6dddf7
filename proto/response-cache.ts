import { z } from 'zod'
import { MAX_ANSWER_BYTES } from './stored-answer.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600 * SECOND_MS
const DAY_MS = 24 * HOUR_MS

/** Nothing is kept for longer, whatever a project says. */
export const MAX_CACHE_TTL_MS = 7 * DAY_MS

/** What a project says of its answers: that they may be given again to the same question, and which. */
export const ResponseCache = z.object({
  ttlMs: z.int().min(SECOND_MS).max(MAX_CACHE_TTL_MS).default(HOUR_MS),
  /** An answer that is longer, with all of its frames, is not kept. */
  maxEntryBytes: z
    .int()
    .min(1_024)
    .max(MAX_ANSWER_BYTES)
    .default(256 * 1024),
})
export type ResponseCache = z.infer<typeof ResponseCache>
