import type { Job } from '../../proto/job.ts'
import { encodeAnswer, type AnswerHead } from '../../proto/stored-answer.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { WRITE_TIMEOUT_MS } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

/** The server takes no longer message than 4 MiB, the headers included. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024 - 4_096

export const headOf = ({ id, kind, model, tenant, admittedAtMs, reading }: Job): AnswerHead => {
  return { id, kind, model, tenant, admittedAtMs, reading }
}

/**
 * Writes a whole answer to ANSWERS, for whoever asks for it again. Before its `final`: who finds that a resumable job is
 * done finds its answer too. One that is too long for a message is not kept; who asks for it later is told that.
 */
export async function keep(desk: Desk, live: LiveJob, last: Uint8Array): Promise<void> {
  const bytes = encodeAnswer(headOf(live.job), [...live.tape.frames, last])
  if (bytes.byteLength > MAX_ANSWER_BYTES) {
    desk.log.warn({ job: live.job.id, bytes: bytes.byteLength }, 'an answer is too long to keep')
    return
  }
  const options = { msgId: `${live.job.id}.answer`, timeoutMs: WRITE_TIMEOUT_MS, tries: 3 }
  await desk.store.put(subjects.answer(live.job.id), bytes, options).catch((cause: unknown) => {
    desk.log.error({ job: live.job.id, cause }, 'an answer could not be kept')
  })
}
