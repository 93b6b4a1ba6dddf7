import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import type { Claim, ClaimAnswer } from '../../proto/claim.ts'
import { deliveryOf } from '../../proto/delivery.ts'
import type { GatewayId, JobId } from '../../proto/ids.ts'
import { Job } from '../../proto/job.ts'
import { JOBS, partOf } from '../../proto/subjects.ts'
import { adopt, orphanIn } from './adopt.ts'
import type { Desk } from './desk.ts'
import { lastRecord } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

/**
 * A claim for a job that this gateway does not have: it was settled and its acknowledgement was lost, or another gateway
 * owns it and is asked, or the one that owned it is gone, and then it is adopted. What is acknowledged is what lies in JOBS
 * under the number that the claim names, and only if it is this very job.
 */
export async function takeIn(
  desk: Desk,
  id: JobId,
  claim: Claim,
): Promise<LiveJob | (ClaimAnswer & { go: false }) | { owner: GatewayId }> {
  desk.counts.strangers++
  try {
    const message = await storedJob(desk.jsm, id, claim)
    if (!message) return { go: false, why: 'unknown' }
    const record = (await lastRecord(desk, id))?.record
    const owner = record?.gateway ?? Job.parse(message.json()).gateway
    if (record?.type === 'final') {
      desk.nc.publish(claim.ack, record.outcome === 'done' ? '+ACK' : '+TERM')
      return { go: false, why: 'done' }
    }
    if (owner !== desk.gateway && desk.isAlive(owner)) return { owner }
    const orphan = await orphanIn(desk, message)
    if (orphan) await adopt(desk, [orphan])
    return desk.live.get(id) ?? { go: false, why: 'unknown' }
  } catch (cause) {
    desk.log.warn({ job: id, cause }, 'a claim for an unknown job could not be looked up')
    return { go: false, why: 'unknown' }
  }
}

async function storedJob(
  jsm: JetStreamManager,
  id: JobId,
  { ack }: Claim,
): Promise<StoredMsg | undefined> {
  const { consumer, streamSeq } = deliveryOf(ack)
  const message = await jsm.direct.getMessage(JOBS, { seq: streamSeq }).catch(() => undefined)
  const job = message && Job.safeParse(message.json()).data
  // The consumer is part of what is acknowledged: it must be the one of this job's queue.
  if (!message || job?.id !== id || !message.subject.startsWith(`job.${job.kind}.`))
    return undefined
  return `${job.kind}-${partOf(message.subject, 2)}` === consumer ? message : undefined
}
