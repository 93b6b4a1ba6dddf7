import type { Refusal } from '../../proto/claim.ts'

/** How a claim was answered; `silence` where nobody did. */
export type ClaimOutcome = 'go' | Refusal | 'silence'

/** Plain numbers, since they are raised on a token's way; `health/metrics.ts` shows them to the world. */
export class Counts {
  frames = 0
  tokens = 0
  blocks = 0
  /** Messages with nothing in them, or something that is no offer, control or input. */
  noise = 0
  /** Controls and input for a claim that is over, or with the wrong secret. */
  staleControls = 0
  readonly claims: Record<ClaimOutcome, number> = {
    go: 0,
    unknown: 0,
    held: 0,
    done: 0,
    cancelled: 0,
    expired: 0,
    deposed: 0,
    silence: 0,
  }
  readonly jobs: Record<'done' | 'failed' | 'stopped', number> = { done: 0, failed: 0, stopped: 0 }
}
