import { z } from 'zod'
import { Dialect } from './calling.ts'
import { JobKind } from './job.ts'

export const BEAT_MS = 200

/** A model in a worker's memory, as its beat tells it. */
export const Offering = z.object({
  kind: JobKind,
  /** The queue it is served from: its own name, or a family's. */
  queue: z.string().min(1).max(100),
  /** Ids a client may name. A family lists examples. */
  models: z.array(z.string().min(1).max(200)).max(16),
  slots: z.int().positive(),
  free: z.int().nonnegative(),
  /** Tokens of prompt and answer together, 0 where there is no limit. */
  contextTokens: z.int().nonnegative(),
  /** Milliseconds between two tokens as measured, so that silence is judged by this model's own pace. */
  stepMs: z.number().nonnegative(),
  createdAtMs: z.int(),
  /** How its answers tell calls and thoughts. Absent where they tell neither. */
  dialect: Dialect.optional(),
  /** The same for the same file in the same engine, and another for another. */
  fingerprint: z.string().max(64).optional(),
})
export type Offering = z.infer<typeof Offering>

/** Five times a second from every worker: inventory, and a sign that the process lives. Not that its jobs do. */
export const Beat = z.object({
  nonce: z.string().min(1).max(64),
  connection: z.int().nonnegative(),
  version: z.string().max(100),
  device: z.string().max(100),
  draining: z.boolean(),
  rssBytes: z.int().nonnegative(),
  offerings: z.array(Offering).max(64),
})
export type Beat = z.infer<typeof Beat>
