import { sleep } from '../clock.ts'
import { depose } from './depose.ts'
import type { Desk } from './desk.ts'
import { hear } from './hear.ts'
import { lastRecord } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

const AGAIN_MS = 250

/** Takes in what came while we did not know whose the job is. */
export function judgeHeld(desk: Desk, live: LiveJob): void {
  for (const msg of live.held.splice(0)) hear(desk, live, msg)
}

/**
 * We stood still, or were cut off from the broker: another gateway may have adopted what is ours. Until LEDGER was read
 * nothing is done about any job; answers that moved are then read where they are.
 */
export async function reread(desk: Desk): Promise<void> {
  const doubted = [...desk.live.values()].map((live) => ({ live, doubt: ++live.doubts }))
  // What is being adopted is doubtful as it is, and is doubted again when it is taken up; what was never stored nobody else has.
  const ours = doubted.filter(({ live }) => !live.adopting && !isOursAlone(live))
  for (const { live } of ours) live.doubtful = true
  await Promise.all(ours.map(({ live, doubt }) => resolve(desk, live, doubt)))
}

const isOursAlone = ({ seat, keeping, heldSeq }: LiveJob): boolean =>
  seat?.stage === 'waiting' && keeping === undefined && heldSeq === 0

async function resolve(desk: Desk, live: LiveJob, doubt: number): Promise<void> {
  for (;;) {
    try {
      const last = await lastRecord(desk, live.job.id)
      // A later doubt asked again, and its answer is the one that counts.
      if (live.doubts !== doubt) return
      if (last && last.record.gateway !== desk.gateway && !live.settled) depose(desk, live)
      live.doubtful = false
      judgeHeld(desk, live)
      return
    } catch (cause) {
      desk.log.warn({ job: live.job.id, cause }, 'LEDGER could not be read again')
      if (desk.nc.isClosed() || live.doubts !== doubt) return
      await sleep(AGAIN_MS)
    }
  }
}
