import type { Msg } from '@nats-io/nats-core'
import { monotonicMs } from '../clock.ts'
import { Failure } from '../../proto/failure.ts'
import {
  decodeFrame,
  encodeFrame,
  frameHead,
  idsOf,
  isWhole,
  type End,
  type FrameHead,
} from '../../proto/frame.ts'
import { partOf } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { judge } from './fence.ts'
import type { LiveJob } from './live-job.ts'
import { runOn } from './holder-messages.ts'
import { release } from './release.ts'
import { settle, stop, type Ending } from './settle.ts'

/** How long a reader waits for the record of its end while the broker is away. */
const PATIENCE_MS = 30_000

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
  }
  if (frame.kind === 'consumed') live.input?.release(frame.through)
  if (frame.kind === 'end') void finish(desk, live, frame, bytes)
  if (frame.kind !== 'failed') return
  const failure = Failure.of(frame.failure)
  if (
    failure.code === 'engine_failed' ||
    failure.code === 'internal' ||
    failure.code === 'cancelled'
  )
    release(desk, live, 'engine')
  else void fail(desk, live, failure)
}

async function finish(desk: Desk, live: LiveJob, said: End, bytes: Uint8Array): Promise<void> {
  // Another worker may have told of the prompt before this one took over.
  live.prompt ??= { promptTokens: said.promptTokens, cachedTokens: said.cachedTokens }
  const end = { finish: said.finish, ...live.prompt }
  const last = isSame(said, live.prompt) ? bytes : endFrame(live, said)
  await conclusion(desk, live, { outcome: 'done', end, last }, () => {
    live.tape.put(last)
    live.tape.close()
  })
}

const isSame = ({ promptTokens, cachedTokens }: End, prompt: LiveJob['prompt']): boolean =>
  promptTokens === prompt?.promptTokens && cachedTokens === prompt.cachedTokens

/** The end of an answer as its reader is told it, with the prompt as it was counted. */
function endFrame(live: LiveJob, end: End): Uint8Array {
  return encodeFrame(live.epoch, live.next, { kind: 'end', ...end, ...live.prompt })
}

/** Ends a job with a failure that its reader is told. */
export async function fail(desk: Desk, live: LiveJob, failure: Failure): Promise<void> {
  const outcome = failure.code === 'expired' ? 'expired' : 'failed'
  await conclusion(desk, live, { outcome, failure }, () => live.tape.close({ failure }))
}

/** The reader is told an end only when it is in LEDGER; if that takes too long, it is told so, and may go. */
async function conclusion(
  desk: Desk,
  live: LiveJob,
  ending: Ending,
  tell: () => void,
): Promise<void> {
  if (live.outcome) return
  const patience = setTimeout(() => {
    const message = 'The end of the answer could not be recorded in time.'
    live.tape.close({ failure: new Failure('unavailable', message) })
  }, PATIENCE_MS)
  try {
    if ((await settle(desk, live, ending)) === 'settled') tell()
  } catch (thrown) {
    live.tape.close({ failure: Failure.from(thrown) })
  } finally {
    clearTimeout(patience)
  }
}

/** The first stale frame of an epoch sends that worker `cancel`: a zombie must not hold a slot to its end. */
function warn(desk: Desk, live: LiveJob, epoch: number, worker: string): void {
  if (epoch <= live.warnedEpoch) return
  if (!live.spans.some((span) => span.epoch === epoch && span.worker === worker)) return
  live.warnedEpoch = epoch
  stop(desk, live, epoch)
}
