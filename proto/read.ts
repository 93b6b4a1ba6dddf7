import { z } from 'zod'
import { FailureBody } from './failure.ts'
import { GatewayId } from './ids.ts'
import { AnswerHead } from './stored-answer.ts'

/** A gateway asks whoever owns a job. What it answers goes to the reply subject: signals, and frames between them. */
export const ReadRequest = z.discriminatedUnion('what', [
  z.object({
    what: z.literal('read'),
    /** One for each reader of the asking gateway: asked again, it keeps alive what runs. */
    reader: z.string().min(1).max(64),
    /** The tenant whose key asks: nobody reads another's answer. */
    tenant: z.string(),
    after: z.int().nonnegative(),
    /** Begin at `after`, or begin there anew: something was lost on the way. */
    restart: z.boolean(),
  }),
  z.object({ what: z.literal('leave'), reader: z.string().min(1).max(64), tenant: z.string() }),
  z.object({ what: z.literal('cancel'), tenant: z.string() }),
])
export type ReadRequest = z.infer<typeof ReadRequest>

/** What comes back beside frames: a frame begins with its version, this with `{`. */
export const ReadSignal = z.discriminatedUnion('type', [
  z.object({ type: z.literal('here'), gateway: GatewayId, head: AnswerHead }),
  z.object({
    type: z.literal('refused'),
    code: z.enum(['not_found', 'not_resumable', 'ahead']),
    /** The position that the answer is at. */
    next: z.int().nonnegative(),
  }),
  /** It ended. Its last frame came before this, or its failure is told. */
  z.object({ type: z.literal('over'), failure: FailureBody.nullable() }),
  /** It goes on elsewhere: ask again. */
  z.object({ type: z.literal('moved') }),
])
export type ReadSignal = z.infer<typeof ReadSignal>
