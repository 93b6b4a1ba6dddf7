import { JOBS, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import type { LiveJob } from './live-job.ts'

const HOLD_TIMEOUT_MS = 3_000

/**
 * Stores a job that waits and must not be lost: in JOBS, where no worker pulls. Whoever finds it there after its gateway
 * is gone adopts it. When its turn comes it is written where workers pull, and then this is deleted.
 */
export function hold(desk: Desk, live: LiveJob, body: Uint8Array): Promise<unknown> {
  const held = desk.store
    .put(subjects.held(live.queue), body, {
      msgId: `${live.job.id}.held`,
      timeoutMs: HOLD_TIMEOUT_MS,
    })
    .then((seq) => (live.heldSeq = Number(seq)))
  live.keeping = held.catch(() => undefined)
  return held
}

/** What is left here by mistake is removed when a gateway looks for orphans: its job has a record by then. */
export async function unhold(desk: Desk, live: LiveJob): Promise<void> {
  const seq = live.heldSeq
  live.heldSeq = 0
  if (seq === 0) return
  await desk.jsm.streams.deleteMessage(JOBS, seq, false).catch((cause: unknown) => {
    desk.log.warn({ job: live.job.id, cause }, 'a job that waits no longer could not be unheld yet')
  })
}
