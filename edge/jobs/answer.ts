import { frameHead } from '../../proto/frame.ts'
import { CREDIT_WINDOW } from '../../proto/job.ts'
import type { Answer } from '../ports.ts'
import { monotonicMs } from '../clock.ts'
import { giveCredit } from './holder-messages.ts'
import type { Desk } from './desk.ts'
import type { LiveJob } from './live-job.ts'
import { leave } from './leave.ts'

/** The reader's end of a job. What it pulls is what the worker may compute: backpressure reaches the GPU. */
export function answerOf(desk: Desk, live: LiveJob): Answer {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const frames = await live.mailbox.take()
          if (!frames) return
          yield frames
          taken(desk, live, frames)
        }
      } finally {
        leave(desk, live)
      }
    },
  }
}

/** The reader came back for more: what it was given is with it, and the window moves on. */
function taken(desk: Desk, live: LiveJob, frames: readonly Uint8Array[]): void {
  for (const bytes of frames) live.read += frameHead(bytes)?.count ?? 0
  const upTo = live.read + CREDIT_WINDOW
  if (upTo - live.credit < CREDIT_WINDOW / 2) return
  if (live.next >= live.credit) live.silence.excuse(monotonicMs())
  live.credit = upTo
  if (live.holder) giveCredit(desk, live, live.holder)
}
