import type { Msg } from '@nats-io/nats-core'
import { Claim } from '../../proto/claim.ts'
import { Job } from '../../proto/job.ts'
import { hasBody } from './has-body.ts'
import { readJson } from './read-json.ts'

/** A job that was delivered to us. It is not ours until a gateway says so. */
export interface Offer {
  job: Job
  /** Where the gateway, and only the gateway, acknowledges the delivery. */
  ack: string
}

export function readOffer(message: Msg): Offer | undefined {
  if (!hasBody(message)) return undefined
  const ack = Claim.shape.ack.safeParse(message.reply).data
  const job = readJson(Job, message.data)
  return ack !== undefined && job !== undefined ? { job, ack } : undefined
}
