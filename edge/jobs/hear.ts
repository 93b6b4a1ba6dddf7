import type { Msg } from '@nats-io/nats-core'
import { monotonicMs } from '../clock.ts'
import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, idsOf, isWhole, type FrameHead } from '../../proto/frame.ts'
import { SAYS } from '../../proto/job.ts'
import { partOf } from '../../proto/subjects.ts'
import type { Purse } from '../budget/purse.ts'
import { fail, finish } from './conclude.ts'
import { raiseCredit, runOn } from './credit.ts'
import type { Desk } from './desk.ts'
import { judge } from './fence.ts'
import type { LiveJob } from './live-job.ts'
import { release } from './release.ts'
import { stop } from './settle.ts'

/** One message on `out.*.<jobId>`: the fence, then the answer. This is the token path: no promise, no JSON. */
export function hear(desk: Desk, live: LiveJob, msg: Msg): void {
  const head = frameHead(msg.data)
  if (!head) {
    desk.counts.junk++
    return
  }
  // Its holder is another gateway's to speak to.
  if (live.moved) return
  const nowMs = monotonicMs()
  if (desk.pulse.takeDoubt(nowMs)) desk.doubt()
  if (live.doubtful) {
    if (msg.subject === live.subject) live.held.push(msg)
    else desk.counts.stale++
    return
  }
  if (live.outcome) {
    // It is over for everyone; a worker that does not know is told.
    desk.counts.stale++
    warn(desk, live, head.epoch, partOf(msg.subject, 1))
    return
  }
  const judgement = desk.fenced ? judge(live, head, msg.subject) : 'accept'
  if (judgement === 'accept' && head.kind === 'tokens' && !isWhole(msg.data, head.count)) {
    release(desk, live, 'hole')
    return
  }
  switch (judgement) {
    case 'accept':
      accept(desk, live, head, { bytes: msg.data, nowMs })
      break
    case 'stale':
      desk.counts.stale++
      if (head.epoch !== live.epoch || !live.holder)
        warn(desk, live, head.epoch, partOf(msg.subject, 1))
      break
    case 'repeat':
      desk.counts.repeats++
      break
    case 'hole':
    case 'overrun':
      release(desk, live, judgement)
      break
  }
}

/** One frame that passed the fence. */
export function accept(
  desk: Desk,
  live: LiveJob,
  head: FrameHead,
  { bytes, nowMs }: { bytes: Uint8Array; nowMs: number },
): void {
  live.silence.heard(nowMs, head.count)
  if (live.holder && head.epoch === live.epoch) live.holder.spoke = true
  desk.counts.frames++
  if (live.next === 0 && head.count > 0) live.spoke(nowMs)
  switch (head.kind) {
    case 'tokens':
      for (const id of idsOf(bytes, head.count)) live.ids.push(id)
      desk.counts.tokens += head.count
      live.next += head.count
      live.tape.put(bytes)
      break
    case 'bytes':
      live.next += 1
      live.tape.put(bytes)
      break
    case 'progress':
      return
    case 'prompt':
    case 'consumed':
    case 'end':
    case 'failed':
      try {
        conclude(desk, live, bytes)
      } catch (cause) {
        // The right worker said something that cannot be read: as good as a hole.
        desk.log.warn({ job: live.job.id, cause }, 'an unreadable frame')
        release(desk, live, 'hole')
      }
      return
  }
  if (live.purse && live.next >= live.credit) raiseCredit(desk, live)
  // Nobody here takes anything, so nothing else moves the window on: the answer goes on for those elsewhere and later.
  if (live.resumable && !live.doubtful && (live.readers === 0 || live.remoteReaders > 0))
    runOn(desk, live)
}

/** The frames that come seldom and carry JSON. */
function conclude(desk: Desk, live: LiveJob, bytes: Uint8Array): void {
  const frame = decodeFrame(bytes)
  if (frame.kind === 'prompt') {
    const { promptTokens, cachedTokens } = frame
    live.prompt ??= { promptTokens, cachedTokens }
    if (live.purse) learnPrompt(desk, live, live.purse)
  }
  if (frame.kind === 'consumed') live.input?.release(frame.through)
  if (frame.kind === 'end') void finish(desk, live, frame, bytes)
  if (frame.kind !== 'failed') return
  const failure = Failure.of(frame.failure)
  if (
    failure.code === 'engine_failed' ||
    failure.code === 'internal' ||
    failure.code === 'cancelled' ||
    isTooSmall(live, failure)
  )
    release(desk, live, 'engine')
  else void fail(desk, live, failure)
}

/** Another began the answer and had the context for it: one that has less is no reason to end it. */
const isTooSmall = ({ job, spans }: LiveJob, { code }: Failure): boolean =>
  code === 'context_too_long' && SAYS[job.kind] && (spans.at(-1)?.from ?? 0) > 0

/** What was held for a longer prompt is there for the answer, or for others. */
function learnPrompt(desk: Desk, live: LiveJob, purse: Purse): void {
  if (live.prompt) purse.learn(live.prompt)
  raiseCredit(desk, live)
  for (const pool of purse.pools) desk.treasury?.leases.returned(pool)
}

/** The first stale frame of an epoch sends that worker `cancel`: a zombie must not hold a slot to its end. */
function warn(desk: Desk, live: LiveJob, epoch: number, worker: string): void {
  if (epoch <= live.warnedEpoch) return
  if (!live.spans.some((span) => span.epoch === epoch && span.worker === worker)) return
  live.warnedEpoch = epoch
  stop(desk, live, epoch)
}
