import type { Claim, ClaimAnswer } from '../../proto/claim.ts'
import type { GatewayId, JobId } from '../../proto/ids.ts'
import type { Final } from '../../proto/ledger.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { lastRecord, WRITE_TIMEOUT_MS } from './ledger.ts'

/**
 * A claim for a job that this gateway does not have: it was settled and its acknowledgement was lost, or the gateway
 * that admitted it is gone. Its reader went with that gateway, so the job is cancelled, by compare-and-set first.
 */
export async function settleStranger(desk: Desk, id: JobId, claim: Claim): Promise<ClaimAnswer> {
  desk.counts.strangers++
  try {
    const last = await lastRecord(desk, id)
    const record = last?.record
    if (record?.type === 'final') {
      desk.nc.publish(claim.ack, record.outcome === 'done' ? '+ACK' : '+TERM')
      return { go: false, why: 'done' }
    }
    if (record ? isCaredFor(desk, record.gateway) : !isOld(claim.ack))
      return { go: false, why: 'unknown' }
    const final: Final = {
      type: 'final',
      gateway: desk.gateway,
      spans: record?.spans ?? [],
      outcome: 'cancelled',
      finish: null,
      usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0 },
      tenant: '',
      model: '',
      failure: null,
    }
    const expectLast = last?.seq ?? 0
    const timeoutMs = WRITE_TIMEOUT_MS
    const seq = await desk.store.put(subjects.ledger(id), JSON.stringify(final), {
      expectLast,
      timeoutMs,
    })
    if (seq === 'lost') return { go: false, why: 'unknown' }
    desk.nc.publish(claim.ack, '+TERM')
    return { go: false, why: 'cancelled' }
  } catch (cause) {
    desk.log.warn({ job: id, cause }, 'a claim for an unknown job could not be looked up')
    return { go: false, why: 'unknown' }
  }
}

const isCaredFor = (desk: Desk, gateway: GatewayId): boolean =>
  gateway === desk.gateway || desk.isAlive(gateway)

/** A job is in JOBS and in LEDGER within one round trip of each other, or its gateway died between the two. */
const ORPHANED_MS = 10_000

/** The server says in an ack subject when the message was stored: `$JS.ACK.<stream>.<consumer>.….<nanoseconds>.<pending>`. */
function isOld(ack: string): boolean {
  const storedAtMs = Number(ack.split('.').at(-2)) / 1e6
  return storedAtMs > 0 && Date.now() - storedAtMs > ORPHANED_MS
}
