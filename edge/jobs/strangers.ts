import type { Claim, ClaimAnswer } from '../../proto/claim.ts'
import { deliveryOf } from '../../proto/delivery.ts'
import type { JobId } from '../../proto/ids.ts'
import { Job } from '../../proto/job.ts'
import type { Final, LedgerRecord } from '../../proto/ledger.ts'
import { JOBS, partOf, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { lastRecord, WRITE_TIMEOUT_MS } from './ledger.ts'

/** A job is in JOBS and in LEDGER within one round trip of each other, or its gateway died between the two. */
const ORPHANED_MS = 10_000

/**
 * A claim for a job that this gateway does not have: it was settled and its acknowledgement was lost, or the gateway
 * that admitted it is gone. Its reader went with that gateway, so the job is cancelled, by compare-and-set first. What
 * is acknowledged is what lies in JOBS under the number that the claim names, and only if it is this very job.
 */
export async function settleStranger(desk: Desk, id: JobId, claim: Claim): Promise<ClaimAnswer> {
  desk.counts.strangers++
  try {
    const [stored, last] = await Promise.all([storedJob(desk, claim), lastRecord(desk, id)])
    if (stored?.job.id !== id) return { go: false, why: 'unknown' }
    const record = last?.record
    if (record?.type === 'final') {
      desk.nc.publish(claim.ack, record.outcome === 'done' ? '+ACK' : '+TERM')
      return { go: false, why: 'done' }
    }
    // What is ours and not among our live jobs is an orphan like any other.
    const caredFor = record
      ? record.gateway !== desk.gateway && desk.isAlive(record.gateway)
      : stored.ageMs < ORPHANED_MS
    if (caredFor) return { go: false, why: 'unknown' }
    const seq = await desk.store.put(
      subjects.ledger(id),
      JSON.stringify(cancelled(desk, stored.job, record)),
      { expectLast: last?.seq ?? 0, timeoutMs: WRITE_TIMEOUT_MS },
    )
    if (seq === 'lost') return { go: false, why: 'unknown' }
    desk.nc.publish(claim.ack, '+TERM')
    return { go: false, why: 'cancelled' }
  } catch (cause) {
    desk.log.warn({ job: id, cause }, 'a claim for an unknown job could not be looked up')
    return { go: false, why: 'unknown' }
  }
}

async function storedJob(
  desk: Desk,
  { ack }: Claim,
): Promise<{ job: Job; ageMs: number } | undefined> {
  const { consumer, streamSeq } = deliveryOf(ack)
  const message = await desk.jsm.direct.getMessage(JOBS, { seq: streamSeq }).catch(() => undefined)
  const job = message && Job.safeParse(message.json()).data
  // The consumer is part of what is acknowledged: it must be the one of this job's queue.
  if (!job || !message.subject.startsWith(`job.${job.kind}.`)) return undefined
  if (`${job.kind}-${partOf(message.subject, 2)}` !== consumer) return undefined
  return { job, ageMs: Date.now() - message.time.getTime() }
}

function cancelled(desk: Desk, job: Job, record: LedgerRecord | undefined): Final {
  return {
    type: 'final',
    gateway: desk.gateway,
    spans: record?.spans ?? [],
    outcome: 'cancelled',
    finish: null,
    usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0 },
    tenant: job.tenant,
    model: job.model,
    failure: null,
  }
}
