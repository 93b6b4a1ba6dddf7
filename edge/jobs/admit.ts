import { Failure } from '../../proto/failure.ts'
import { encodeInput } from '../../proto/input.ts'
import { MAX_JOB_BYTES, type Job } from '../../proto/job.ts'
import { subjects, type Queue } from '../../proto/subjects.ts'
import type { Answer, AskOptions } from '../ports.ts'
import { answerOf } from './answer.ts'
import type { Desk } from './desk.ts'
import { hear } from './hear.ts'
import { leave } from './leave.ts'
import { append } from './ledger.ts'
import { LiveJob } from './live-job.ts'

const PUBLISH_TIMEOUT_MS = 3_000

const utf8 = new TextEncoder()

/** Stores a job and listens for its answer. It listens before the job is there to be taken. */
export async function admit(
  desk: Desk,
  job: Job,
  queue: Queue,
  { signal, input }: AskOptions,
): Promise<Answer> {
  const body = utf8.encode(JSON.stringify(job))
  if (body.byteLength > MAX_JOB_BYTES)
    throw new Failure(
      'too_large',
      `The request is ${body.byteLength} bytes as a job; ${MAX_JOB_BYTES} are possible.`,
    )
  await desk.ensureQueue(queue)
  const live = new LiveJob(job, queue, Date.now())
  desk.live.set(job.id, live)
  // One connection keeps its order, so the server hears of our interest before it hears of the job.
  live.subscription = desk.nc.subscribe(subjects.outOf(job.id), {
    callback: (error, msg) => {
      if (!error) hear(desk, live, msg)
    },
  })
  try {
    const accepted = append(desk, live, { type: 'accepted', gateway: desk.gateway, spans: [] })
    const queued = desk.store.put(subjects.job(queue), body, {
      msgId: job.id,
      timeoutMs: PUBLISH_TIMEOUT_MS,
    })
    const [, seq] = await Promise.all([accepted, queued])
    live.streamSeq = Number(seq)
  } catch (cause) {
    // It may have been stored all the same, so it is settled like any other job whose reader is gone.
    leave(desk, live)
    const message =
      'The job could not be queued: the broker does not answer. Try again in a moment.'
    throw new Failure('unavailable', message, { cause, retryAfterMs: 1_000 })
  }
  desk.counts.admitted++
  signal.addEventListener('abort', () => leave(desk, live), { once: true })
  if (signal.aborted) leave(desk, live)
  if (input) void feed(desk, live, input)
  return answerOf(desk, live)
}

/** Numbers the input and sends it to whoever holds the job; a later holder gets the rest from the log. */
async function feed(desk: Desk, live: LiveJob, input: AsyncIterable<Uint8Array>): Promise<void> {
  const { input: log } = live
  if (!log) return
  try {
    for await (const bytes of input) {
      if (live.outcome) return
      if (!log.pending) live.silence.excuse(Date.now())
      const seq = log.add(bytes)
      send(desk, live, { seq, bytes })
    }
    log.end()
    send(desk, live, { seq: log.next })
  } catch (cause) {
    desk.log.warn({ job: live.job.id, cause }, 'the input of a job broke off')
    leave(desk, live)
  }
}

function send(
  desk: Desk,
  live: LiveJob,
  { seq, bytes }: { seq: number; bytes?: Uint8Array },
): void {
  if (!live.holder) return
  const { epoch } = live
  const frame = bytes
    ? ({ epoch, seq, kind: 'block', bytes } as const)
    : ({ epoch, seq, kind: 'end' } as const)
  desk.nc.publish(subjects.in(live.holder.worker, live.job.id), encodeInput(frame))
}
