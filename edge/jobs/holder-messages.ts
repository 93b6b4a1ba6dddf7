import { encodeInput } from '../../proto/input.ts'
import type { WorkerId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import type { Holder, LiveJob } from './live-job.ts'

/** Tells the holder how far it may go now. Absolute, so it may be said twice. */
export function giveCredit(desk: Desk, live: LiveJob, holder: Holder): void {
  const secret = live.grants.get(live.epoch)?.secret ?? ''
  const { epoch, credit: upTo } = live
  const control = { type: 'credit', job: live.job.id, epoch, secret, upTo } as const
  desk.nc.publish(subjects.ctl(holder.worker), JSON.stringify(control))
}

/** A block of input for whoever holds the job, or, without bytes, the end of it. A later holder gets it from the log. */
export function sendInput(
  desk: Desk,
  live: LiveJob,
  { seq, bytes }: { seq: number; bytes?: Uint8Array },
): void {
  if (live.holder) publish(desk, live, live.holder.worker, { seq, ...(bytes && { bytes }) })
}

/** Sends the next holder the input that is not yet final; what comes later follows as it comes. */
export function replayInput(desk: Desk, live: LiveJob, worker: WorkerId): void {
  const { input } = live
  if (!input) return
  for (const block of input.rest()) publish(desk, live, worker, block)
  if (input.over) publish(desk, live, worker, { seq: input.next })
}

function publish(
  desk: Desk,
  { job, epoch }: LiveJob,
  worker: WorkerId,
  { seq, bytes }: { seq: number; bytes?: Uint8Array },
): void {
  const frame = bytes
    ? ({ epoch, seq, kind: 'block', bytes } as const)
    : ({ epoch, seq, kind: 'end' } as const)
  desk.nc.publish(subjects.in(worker, job.id), encodeInput(frame))
}
