import { z } from 'zod'
import { Failure } from '../../proto/failure.ts'
import { JobId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { Account } from '../../proto/ledger.ts'
import { IDEMPOTENCY, subjects } from '../../proto/subjects.ts'
import { monotonicMs } from '../clock.ts'
import { within } from '../within.ts'
import type { OnceKey } from '../ports.ts'
import { callOff } from './call-off.ts'
import type { Desk } from './desk.ts'
import { findAnswer } from './find-answer.ts'
import type { Found } from './finding.ts'
import { lastRecord, WRITE_TIMEOUT_MS } from './ledger.ts'

/** What one idempotency key of one tenant stands for. */
const Reservation = z.object({
  job: JobId,
  /** Of the body: the same key with another body is a mistake of the caller. */
  fingerprint: z.string(),
})

/** A job that was reserved is in the queue within this, or its gateway died before it was. */
const ADMITTED_MS = 3_000
const BROKER_MS = 1_000

/** Ours to admit, with what takes the reservation back; or the answer of the job that the key stands for already. */
export type Reserved = { ours: true; giveUp: () => Promise<void> } | { ours: false; found: Found }

/** One key, one job, whoever asks how often and where: the first to write the reservation admits the job. */
export async function reserve(
  desk: Desk,
  job: Pick<Job, 'id'> & Account,
  { hash, fingerprint }: OnceKey,
  signal: AbortSignal,
): Promise<Reserved> {
  const subject = subjects.idempotency(hash)
  const text = JSON.stringify({ job: job.id, fingerprint } satisfies z.infer<typeof Reservation>)
  let expectLast = 0
  const untilMs = monotonicMs() + ADMITTED_MS
  for (;;) {
    const seq = await put(desk, subject, text, expectLast)
    if (seq !== 'lost') return { ours: true, giveUp: () => erase(desk, seq) }
    const last = await within(
      BROKER_MS,
      desk.jsm.direct.getMessage(IDEMPOTENCY, { last_by_subj: subject }),
    )
    expectLast = 0
    if (!last) continue
    const known = Reservation.parse(last.json())
    if (known.fingerprint !== fingerprint) throw reused()
    const ask = { tenant: job.tenant, after: 0, signal, awaitedUntilMs: untilMs }
    try {
      return { ours: false, found: await findAnswer(desk, known.job, ask) }
    } catch (thrown) {
      const free = await isFree(desk, known.job, job).catch(() => false)
      if (signal.aborted || !free) throw thrown
    }
    expectLast = last.seq
  }
}

/**
 * Whether a reservation stands for nothing: its job failed or was cancelled, or was never admitted. Then it never will
 * be: an end in LEDGER refuses its first claim, should whoever reserved it have stood still and go on now.
 */
async function isFree(desk: Desk, reserved: JobId, job: Account): Promise<boolean> {
  const record = (await lastRecord(desk, reserved))?.record
  if (record) return record.type === 'final' && record.outcome !== 'done'
  return callOff(desk, reserved, job)
}

async function put(
  desk: Desk,
  subject: string,
  text: string,
  expectLast: number,
): Promise<number | 'lost'> {
  try {
    return await desk.store.put(subject, text, { expectLast, timeoutMs: WRITE_TIMEOUT_MS })
  } catch (cause) {
    throw new Failure('unavailable', 'The broker does not answer. Try again in a moment.', {
      cause,
      retryAfterMs: 1_000,
    })
  }
}

/** Nothing was admitted: the key is free again. */
async function erase(desk: Desk, seq: number): Promise<void> {
  await desk.jsm.streams.deleteMessage(IDEMPOTENCY, seq, false).catch((cause: unknown) => {
    desk.log.warn({ cause }, 'a reservation could not be taken back')
  })
}

const reused = (): Failure =>
  new Failure(
    'key_reused',
    'This Idempotency-Key was used with another body within the last 24 hours. Use a new key for a new request.',
    { param: 'Idempotency-Key' },
  )
