import { monotonicMs, sleep } from '../clock.ts'
import { Failure } from '../../proto/failure.ts'
import { MAX_JOB_BYTES, type Job } from '../../proto/job.ts'
import { subjects, type Queue } from '../../proto/subjects.ts'
import type { Answer, AskOptions } from '../ports.ts'
import { answerOf } from './answer.ts'
import type { Desk } from './desk.ts'
import { fail } from './conclude.ts'
import { hear } from './hear.ts'
import { hold, unhold } from './hold.ts'
import { sendInput } from './holder-messages.ts'
import { cancel } from './leave.ts'
import type { Waiting } from './lines.ts'
import { LiveJob } from './live-job.ts'
import { Refused } from './store.ts'

const PUBLISH_TIMEOUT_MS = 3_000
const AGAIN_MS = 250

const utf8 = new TextEncoder()

/**
 * Gives a job its place. Where it is its turn it is stored for the workers, and where it has to wait and must not be lost it is
 * stored for us; in the end somebody listens for its answer.
 */
export async function admit(
  desk: Desk,
  wanted: Job,
  queue: Queue,
  { signal, input, limited = false }: AskOptions,
): Promise<Answer> {
  const { live, body } = await enter(desk, wanted, queue)
  const { job } = live
  live.limited = limited
  const queued = live.seat?.queued
  desk.live.set(job.id, live)
  try {
    if (!queued) await enqueue(desk, live, body)
    else if (job.reading.resumable) await hold(desk, live, body)
  } catch (cause) {
    // It may have been stored all the same, so it is settled like any other job whose reader is gone.
    if (desk.live.has(job.id)) void cancel(desk, live)
    throw unqueued(cause)
  }
  desk.counts.admitted++
  if (input) void feed(desk, live, input)
  const answer = answerOf(desk, live, { signal, from: 0 })
  return queued ? { ...answer, queued } : answer
}

/** What it costs and who pays is fixed before it has a place, and given back where it gets none. */
async function enter(
  desk: Desk,
  wanted: Job,
  queue: Queue,
): Promise<{ live: LiveJob; body: Uint8Array }> {
  const { job, purse } = (await desk.treasury?.admit(wanted)) ?? { job: wanted }
  try {
    const body = utf8.encode(JSON.stringify(job))
    if (body.byteLength > MAX_JOB_BYTES)
      throw new Failure(
        'too_large',
        `The request is ${body.byteLength} bytes as a job; ${MAX_JOB_BYTES} are possible.`,
      )
    const live = new LiveJob(job, queue, { nowMs: monotonicMs() })
    live.purse = purse
    if (purse) live.credit = Math.min(purse.upTo, live.window)
    desk.lines.enter(live, body)
    // What waits already is tried again and again: nobody joins it.
    if (live.seat?.queued && desk.store.refusing) {
      desk.lines.left(live)
      throw unqueued(new Refused('the server refused to store of late'))
    }
    return { live, body }
  } catch (thrown) {
    purse?.close([])
    throw thrown
  }
}

/** Stores a job that waited for its turn. It was accepted: where the broker cannot store it now, that is tried again. */
export async function offer(desk: Desk, { live, body }: Waiting): Promise<void> {
  await live.keeping
  while (!live.outcome && !desk.nc.isClosed())
    try {
      await enqueue(desk, live, body)
      await unhold(desk, live)
      return
    } catch (cause) {
      desk.log.warn({ job: live.job.id, cause }, 'a job could not be queued yet')
      await sleep(AGAIN_MS)
    }
}

/** Listens before the job is there to be taken. */
async function enqueue(desk: Desk, live: LiveJob, body: Uint8Array): Promise<void> {
  const startedAtMs = monotonicMs()
  await desk.ensureQueue(live.queue)
  if (live.outcome) return
  // One connection keeps its order, so the server hears of our interest before it hears of the job.
  live.subscription ??= desk.nc.subscribe(subjects.outOf(live.job.id), {
    callback: (error, msg) => {
      if (!error) hear(desk, live, msg)
    },
  })
  const stored = desk.store
    .put(subjects.job(live.queue), body, { msgId: live.job.id, timeoutMs: PUBLISH_TIMEOUT_MS })
    .then((seq) => (live.streamSeq = Number(seq)))
  live.stored = stored.catch(() => undefined)
  await stored
  const nowMs = monotonicMs()
  live.idleSinceMs = nowMs
  desk.lines.offered(live, nowMs - startedAtMs)
}

function unqueued(cause: unknown): Failure {
  const message =
    cause instanceof Refused
      ? 'The job could not be queued: the broker cannot store it. The operator must look, then try again.'
      : 'The job could not be queued: the broker does not answer. Try again in a moment.'
  return new Failure('unavailable', message, { cause, retryAfterMs: 1_000 })
}

/** Numbers the input and sends it to whoever holds the job; a later holder gets the rest from the log. */
async function feed(desk: Desk, live: LiveJob, input: AsyncIterable<Uint8Array>): Promise<void> {
  const { input: log } = live
  if (!log) return
  try {
    for await (const bytes of input) {
      if (live.outcome) return
      if (!log.pending) live.silence.excuse(monotonicMs())
      const seq = log.add(bytes)
      sendInput(desk, live, { seq, bytes })
    }
    log.end()
    sendInput(desk, live, { seq: log.next })
  } catch (cause) {
    const failure = new Failure('invalid', 'The input of the request broke off.', { cause })
    await fail(desk, live, failure)
  }
}
