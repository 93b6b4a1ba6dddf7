import { Failure } from '../../proto/failure.ts'
import type { Reading } from '../../proto/job.ts'
import { monotonicMs } from '../clock.ts'
import type { Desk } from './desk.ts'
import { runOn } from './credit.ts'
import type { LiveJob } from './live-job.ts'
import { settle } from './settle.ts'

/** Whether nobody comes back to an answer that its reader left. */
export const endsWithReader = ({ resumable, endsWithReader: ends }: Reading): boolean =>
  !resumable || ends === true

/** A reader is gone. The job it alone asked for goes with it; one that may be resumed goes on. */
export function leave(desk: Desk, live: LiveJob): void {
  if (live.attended) return
  if (endsWithReader(live.job.reading)) {
    void cancel(desk, live)
    return
  }
  live.unattendedSinceMs = monotonicMs()
  if (!live.outcome) runOn(desk, live)
}

/** Ends a job that is not over, in whatever phase it is. Resolves when that is recorded. */
export async function cancel(desk: Desk, live: LiveJob): Promise<void> {
  // Nearly always it is over, and a failure is made with its stack.
  if (!live.tape.over)
    live.tape.close({ failure: new Failure('cancelled', 'The request was cancelled.') })
  if (live.outcome) return
  try {
    await settle(desk, live, { outcome: 'cancelled' })
  } catch (cause) {
    desk.log.warn({ job: live.job.id, cause }, 'a cancelled job could not be settled')
  }
}
