import { z } from 'zod'
import { GatewayId, WorkerId } from './ids.ts'
import { FailureBody } from './failure.ts'
import { Finish } from './frame.ts'

/** Epoch `epoch` emitted from position `from` on, at `worker`. A frame counts only inside its span. */
export const Span = z.object({
  epoch: z.int().positive(),
  from: z.int().nonnegative(),
  worker: WorkerId,
})
export type Span = z.infer<typeof Span>

export const Outcome = z.enum(['done', 'failed', 'cancelled', 'expired'])
export type Outcome = z.infer<typeof Outcome>

export const Usage = z.object({
  promptTokens: z.int().nonnegative(),
  cachedTokens: z.int().nonnegative(),
  completionTokens: z.int().nonnegative(),
})
export type Usage = z.infer<typeof Usage>

const owned = { gateway: GatewayId, spans: z.array(Span) }

/** The life of a job. Each record is written by compare-and-set on the subject's last sequence. */
export const LedgerRecord = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), ...owned }),
  z.object({
    type: z.literal('claimed'),
    ...owned,
    epoch: z.int().positive(),
    worker: WorkerId,
    ack: z.string(),
    /** Deaths in a row without a token between them, for whoever adopts the job: two make it poison. */
    deaths: z.int().nonnegative(),
  }),
  z.object({
    type: z.literal('final'),
    ...owned,
    outcome: Outcome,
    finish: Finish.nullable(),
    usage: Usage,
    tenant: z.string(),
    model: z.string(),
    failure: FailureBody.nullable(),
  }),
])
export type LedgerRecord = z.infer<typeof LedgerRecord>
export type Final = Extract<LedgerRecord, { type: 'final' }>
