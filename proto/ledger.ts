import { z } from 'zod'
import { Paid } from './budget.ts'
import { GatewayId, WorkerId } from './ids.ts'
import { FailureBody } from './failure.ts'
import { EndCode, Finish } from './frame.ts'
import { JobKind, Priority } from './job.ts'
import { Nanos } from './money.ts'

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

/** Of a job, what its usage is counted by. */
export const Account = z.object({
  kind: JobKind,
  tenant: z.string(),
  key: z.string(),
  user: z.string().optional(),
  priority: Priority,
  model: z.string(),
  /** Milliseconds since 1970. */
  admittedAtMs: z.int(),
})
export type Account = z.infer<typeof Account>

const owned = { gateway: GatewayId, spans: z.array(Span) }

/** Who computes a job, as the gateway that granted it knows: all that another needs to take its place. */
export const Holding = z.object({
  worker: WorkerId,
  /** Of the worker's boot, and of its connection as the server numbers it: the end of either is the end of the claim. */
  nonce: z.string(),
  connection: z.int().nonnegative(),
  /** Where this delivery is acknowledged. */
  ack: z.string(),
  /** In every control for this claim. */
  secret: z.string(),
})
export type Holding = z.infer<typeof Holding>

/**
 * The life of a job. Each record is written by compare-and-set on the subject's last sequence, 0 for the first. That a
 * job was accepted is not written here: its message in JOBS says so, and who owns it until somebody claims it.
 */
export const LedgerRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('claimed'),
    ...owned,
    epoch: z.int().positive(),
    holder: Holding,
    /** Deaths in a row without a token between them, for whoever adopts the job: two make it poison. */
    deaths: z.array(z.string()),
    /** As in `final`, of gateways that had the job and are gone. */
    paid: z.array(Paid).optional(),
  }),
  /** Another gateway took the job over as it was: epoch, holder and delivery stay, and the worker notices nothing. */
  z.object({
    type: z.literal('adopted'),
    ...owned,
    epoch: z.int().nonnegative(),
    /** Nobody held it, where it was still waiting. */
    holder: Holding.nullable(),
    deaths: z.array(z.string()),
    paid: z.array(Paid).optional(),
    /** It is known what those before hold for it: `paid` says so. Until then what was made is paid by `from`. */
    inherited: z.literal(true).optional(),
    from: GatewayId,
  }),
  z.object({
    type: z.literal('final'),
    ...owned,
    outcome: Outcome,
    finish: Finish.nullable(),
    /** Why it finished, where a caller must know more. */
    code: EndCode.optional(),
    usage: Usage,
    /** In nano-units, by the price of its admission; absent where the model had none. */
    cost: Nanos.optional(),
    /** What each budget pays, by the gateway that had leased it. */
    paid: z.array(Paid).optional(),
    /** From admission to the first token; absent where none came, or another gateway saw it come. */
    firstTokenMs: z.int().nonnegative().optional(),
    ...Account.shape,
    /** Nobody computed it: the answer of an earlier job was given again. */
    fromCache: z.literal(true).optional(),
    failure: FailureBody.nullable(),
  }),
])
export type LedgerRecord = z.infer<typeof LedgerRecord>
export type Final = Extract<LedgerRecord, { type: 'final' }>
