import { Failure } from '../../proto/failure.ts'
import type { Desk } from './desk.ts'
import type { LiveJob } from './live-job.ts'
import { settle } from './settle.ts'

/** The reader is gone. A job that is not over is cancelled in whatever phase it is. */
export function leave(desk: Desk, live: LiveJob): void {
  // Nearly always it is over, and a failure is made with its stack.
  if (!live.mailbox.over) live.mailbox.close(new Failure('cancelled', 'The request was cancelled.'))
  if (live.outcome) return
  settle(desk, live, { outcome: 'cancelled' }).catch((cause: unknown) => {
    desk.log.warn({ job: live.job.id, cause }, 'a cancelled job could not be settled')
  })
}
