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
