import type { JobId } from '../../proto/ids.ts'
import { ReadSignal, type ReadRequest } from '../../proto/read.ts'
import { subjects } from '../../proto/subjects.ts'
import { Failure } from '../../proto/failure.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type { Desk } from './desk.ts'
import { unknown } from './finding.ts'
import { cancel } from './leave.ts'
import { lastRecord } from './ledger.ts'

const ANSWER_MS = 500
const AGAIN_MS = 50
/** Longer than another gateway takes to adopt a job. */
const PATIENCE_MS = 4_000
/** What nobody knows of is asked for this long. */
const UNKNOWN_MS = 700

/**
 * Ends a job wherever its gateway is, and resolves when that is recorded. One that is over already, or another tenant's,
 * is not there to be ended.
 */
export async function cancelAnywhere(desk: Desk, id: JobId, tenant: string): Promise<void> {
  const startedMs = monotonicMs()
  for (;;) {
    const live = desk.live.get(id)
    if (live && !live.doubtful) {
      if (live.job.tenant !== tenant || live.outcome) throw unknown(id)
      await cancel(desk, live)
      return
    }
    const signal = live ? undefined : await askOwner(desk, id, tenant)
    if (signal?.type === 'over') return
    if (signal?.type === 'refused') throw unknown(id)
    const last = await lastRecord(desk, id).catch(() => undefined)
    const soughtMs = monotonicMs() - startedMs
    if (last?.record.type === 'final' || (!last && soughtMs > UNKNOWN_MS)) throw unknown(id)
    if (soughtMs > PATIENCE_MS)
      throw new Failure('unavailable', 'The answer could not be cancelled yet. Try again.', {
        retryAfterMs: 1_000,
      })
    await sleep(AGAIN_MS)
  }
}

async function askOwner(desk: Desk, id: JobId, tenant: string): Promise<ReadSignal | undefined> {
  const request: ReadRequest = { what: 'cancel', tenant }
  const answer = await desk.nc
    .request(subjects.read(id), JSON.stringify(request), { timeout: ANSWER_MS })
    .catch(() => undefined)
  return answer && ReadSignal.safeParse(answer.json()).data
}
