import type { JobId } from '../../proto/ids.ts'
import { ReadSignal, type ReadRequest } from '../../proto/read.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { unknown } from './finding.ts'
import { cancel } from './leave.ts'

const ANSWER_MS = 1_000

/** Ends a job wherever its gateway is. One that is over already, or another tenant's, is not there to be ended. */
export async function cancelAnywhere(desk: Desk, id: JobId, tenant: string): Promise<void> {
  const live = desk.live.get(id)
  if (live) {
    if (live.job.tenant !== tenant) throw unknown(id)
    cancel(desk, live)
    return
  }
  const request: ReadRequest = { what: 'cancel', tenant }
  const answer = await desk.nc
    .request(subjects.read(id), JSON.stringify(request), { timeout: ANSWER_MS })
    .catch(() => undefined)
  const signal = answer && ReadSignal.safeParse(answer.json())
  if (signal?.data?.type !== 'over') throw unknown(id)
}
