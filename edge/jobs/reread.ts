import { depose } from './depose.ts'
import type { Desk } from './desk.ts'
import { hear } from './hear.ts'
import { lastRecord } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

/** Takes in what came while we did not know whose the job is. */
export function judgeHeld(desk: Desk, live: LiveJob): void {
  for (const msg of live.held.splice(0)) hear(desk, live, msg)
}

/**
 * We stood still, or were cut off from the broker: another gateway may have adopted what is ours. Until LEDGER was read nothing is done
 * about any job; answers that moved are then read where they are.
 */
export async function reread(desk: Desk): Promise<void> {
  const doubted = [...desk.live.values()].filter((live) => !live.doubtful)
  for (const live of doubted) live.doubtful = true
  await Promise.all(
    doubted.map(async (live) => {
      try {
        const last = await lastRecord(desk, live.job.id)
        if (last && last.record.gateway !== desk.gateway && !live.settled) depose(desk, live)
      } catch (cause) {
        desk.log.warn({ job: live.job.id, cause }, 'LEDGER could not be read again')
      } finally {
        live.doubtful = false
      }
      judgeHeld(desk, live)
    }),
  )
}
