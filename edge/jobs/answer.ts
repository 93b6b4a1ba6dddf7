import type { JobId } from '../../proto/ids.ts'
import type { Answer } from '../ports.ts'
import type { Desk } from './desk.ts'
import type { Ask } from './finding.ts'
import { moveWindow } from './credit.ts'
import { leave } from './leave.ts'
import type { LiveJob } from './live-job.ts'
import { readOn, startingAt, type Source } from './reading.ts'

/** The reader's end of a job of ours. What it pulls is what the worker may compute: backpressure reaches the GPU. */
export function answerOf(
  desk: Desk,
  live: LiveJob,
  { signal, from: position }: { signal: AbortSignal; from: number },
): Answer {
  const { id, tenant } = live.job
  return readFrom(desk, id, sourceOf(desk, live, position), { tenant, after: position, signal })
}

/** An answer from a source on, wherever it moves. */
export function readFrom(desk: Desk, id: JobId, source: Source, ask: Ask): Answer {
  const elsewhere = async (after: number): Promise<Source> =>
    (await desk.find(id, { ...ask, after })).source
  return readOn(source, { from: ask.after, signal: ask.signal, elsewhere })
}

/** A job of ours as a source, counted among its readers until it is left. */
export function sourceOf(desk: Desk, live: LiveJob, position: number): Source {
  live.readers++
  let left = false
  const { take } = live.tape.read()
  const reached = (read: number): void => {
    live.read = Math.max(live.read, read)
    moveWindow(desk, live, live.read)
  }
  // It may be ahead of a job that runs again from its beginning, and takes nothing until that has caught up.
  reached(position)
  return startingAt(
    {
      take,
      reached,
      leave() {
        if (left) return
        left = true
        live.readers--
        leave(desk, live)
      },
    },
    position,
  )
}
