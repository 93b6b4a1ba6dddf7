import { z } from 'zod'
import { GatewayId, JobId, WorkerId } from './ids.ts'
import { Finish } from './frame.ts'
import { Priority } from './job.ts'
import { Outcome } from './ledger.ts'

/**
 * One job that ended, as it is counted: what the last record of LEDGER says of it. Times are milliseconds since 1970;
 * `firstTokenMs` is from admission to the first token, where the gateway that ended the job saw it come.
 */
export const UsageRow = z.object({
  job: JobId,
  project: z.string(),
  key: z.string(),
  /** Whom the request was made for, as the app that made it names them. */
  user: z.string().nullable(),
  model: z.string(),
  kind: z.string(),
  priority: Priority,
  /** No model was asked: a stored answer of the same request was given. */
  fromCache: z.boolean(),
  admittedAtMs: z.int(),
  /** By the broker's clock, when it took the record. */
  endedAtMs: z.int(),
  firstTokenMs: z.int().nullable(),
  outcome: Outcome,
  finish: Finish.nullable(),
  promptTokens: z.int().nonnegative(),
  cachedTokens: z.int().nonnegative(),
  completionTokens: z.int().nonnegative(),
  gateway: GatewayId,
  /** In the order in which they computed it. */
  workers: z.array(WorkerId),
  /** In 1e-9 of the operator's currency; nothing where the model has no price. */
  costNano: z.string().nullable(),
})
export type UsageRow = z.infer<typeof UsageRow>

/** The same as exports tell it, in this order of columns. */
export const UsageRecord = z.object({
  job: JobId,
  project: z.string(),
  key: z.string(),
  user: z.string().nullable(),
  model: z.string(),
  kind: z.string(),
  priority: Priority,
  from_cache: z.boolean(),
  admitted_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  first_token_ms: z.int().nullable(),
  outcome: Outcome,
  finish: Finish.nullable(),
  prompt_tokens: z.int(),
  cached_tokens: z.int(),
  completion_tokens: z.int(),
  cost_nano: z.string().nullable(),
  gateway: z.string(),
  workers: z.array(z.string()),
})
export type UsageRecord = z.infer<typeof UsageRecord>

export const recordOf = (row: UsageRow): UsageRecord => ({
  job: row.job,
  project: row.project,
  key: row.key,
  user: row.user,
  model: row.model,
  kind: row.kind,
  priority: row.priority,
  from_cache: row.fromCache,
  admitted_at: new Date(row.admittedAtMs).toISOString(),
  ended_at: new Date(row.endedAtMs).toISOString(),
  first_token_ms: row.firstTokenMs,
  outcome: row.outcome,
  finish: row.finish,
  prompt_tokens: row.promptTokens,
  cached_tokens: row.cachedTokens,
  completion_tokens: row.completionTokens,
  cost_nano: row.costNano,
  gateway: row.gateway,
  workers: row.workers,
})
