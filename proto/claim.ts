import { z } from 'zod'
import { AckSubject } from './delivery.ts'

/** What a worker says when it asks for a job that was offered to it. Its id is in the subject. */
export const Claim = z.object({
  /** Where the gateway acknowledges this delivery: workers never do. */
  ack: AckSubject,
  /** The NATS connection, as the server numbers it: its end is the end of the claim. */
  connection: z.int().nonnegative(),
  /** The boot nonce of the worker process. */
  nonce: z.string(),
})
export type Claim = z.infer<typeof Claim>

export const Refusal = z.enum(['unknown', 'held', 'done', 'cancelled', 'expired', 'deposed'])
export type Refusal = z.infer<typeof Refusal>

export const ClaimAnswer = z.discriminatedUnion('go', [
  z.object({
    go: z.literal(true),
    epoch: z.int().positive(),
    /** Tokens (or blocks) emitted by the epochs before: the first frame has this `seq`. */
    from: z.int().nonnegative(),
    /** The ids of those tokens; empty for an answer of blocks. */
    prefix: z.array(z.int().nonnegative()),
    /** Frames may reach, but not pass, this position until more credit comes. */
    credit: z.int().nonnegative(),
    /** Input blocks below this number are not sent again. */
    inputFrom: z.int().nonnegative(),
    /** Milliseconds until the deadline, by the gateway's clock: nobody else's need be right. */
    leftMs: z.int().nonnegative(),
    /** In every control message for this claim: a stranger who reaches `ctl` does not know it. */
    secret: z.string().min(16),
  }),
  z.object({ go: z.literal(false), why: Refusal }),
])
export type ClaimAnswer = z.infer<typeof ClaimAnswer>
export type Grant = Extract<ClaimAnswer, { go: true }>
