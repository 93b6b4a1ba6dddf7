import { Failure } from '../../proto/failure.ts'
import { encodeFrame } from '../../proto/frame.ts'
import type { Job } from '../../proto/job.ts'
import { encodeAnswer, MAX_ANSWER_BYTES, type AnswerHead } from '../../proto/stored-answer.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { WRITE_TIMEOUT_MS } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

export const headOf = ({ id, kind, model, tenant, admittedAtMs, reading }: Job): AnswerHead => {
  return { id, kind, model, tenant, admittedAtMs, reading }
}

/** Where an answer is kept: beside what was asked, where that is. */
export const placeOf = ({ id, reading }: Job): string =>
  reading.stored ? subjects.responseAnswer(id) : subjects.answer(id)

/**
 * Writes a whole answer to ANSWERS, for whoever asks for it again. Before its `final`: who finds that a resumable job is
 * done finds its answer too. One that is too long for a message is not kept; who asks for it later is told that.
 */
export const keep = (desk: Desk, live: LiveJob, last: Uint8Array): Promise<void> =>
  write(desk, live, { last, what: 'answer' })

async function write(
  desk: Desk,
  live: LiveJob,
  { last, what }: { last: Uint8Array; what: 'answer' | 'failed' },
): Promise<void> {
  const bytes = encodeAnswer(headOf(live.job), [...live.tape.frames, last])
  if (bytes.byteLength > MAX_ANSWER_BYTES) {
    desk.log.warn({ job: live.job.id, bytes: bytes.byteLength }, 'an answer is too long to keep')
    return
  }
  const options = { msgId: `${live.job.id}.${what}`, timeoutMs: WRITE_TIMEOUT_MS, tries: 3 }
  await desk.store.put(placeOf(live.job), bytes, options).catch((cause: unknown) => {
    desk.log.error({ job: live.job.id, cause }, 'an answer could not be kept')
  })
}

/**
 * Writes what there is of a stored response that failed or was cancelled, and why. After its `final`: only the gateway
 * that ended the job knows that it did.
 */
export async function keepFailed(
  desk: Desk,
  live: LiveJob,
  failure = new Failure('cancelled', 'The request was cancelled.'),
): Promise<void> {
  if (live.job.reading.stored !== true) return
  const last = encodeFrame(live.epoch, live.next, { kind: 'failed', failure: failure.toJSON() })
  await write(desk, live, { last, what: 'failed' })
}
