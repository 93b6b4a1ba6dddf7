import { newNonce, type JobId } from '../../proto/ids.ts'
import { LedgerRecord, type Account } from '../../proto/ledger.ts'
import { LEDGER, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import type { LiveJob } from './live-job.ts'

export const WRITE_TIMEOUT_MS = 2_000

/**
 * Appends a record by compare-and-set on the job's last sequence. `lost` means that someone else wrote since: this
 * gateway no longer owns the job and must not act on it. Throws when the broker does not answer.
 */
export function append(
  desk: Desk,
  live: LiveJob,
  record: LedgerRecord,
): Promise<'written' | 'lost'> {
  // Begun at once where nothing is being written: it then leaves in one packet with what else is being said.
  const write = live.writing
    ? live.writing.then(() => put(desk, live, record))
    : put(desk, live, record)
  const over = (): void => {
    if (live.writing === done) live.writing = undefined
  }
  const done: Promise<void> = write.then(over, over)
  live.writing = done
  return write
}

async function put(desk: Desk, live: LiveJob, record: LedgerRecord): Promise<'written' | 'lost'> {
  const text = JSON.stringify(record)
  const epoch = record.type === 'claimed' ? record.epoch : ''
  // A write whose answer was lost is made again: the id lets the server tell that it is the same one, and no other. An
  // id that two records could share would have the second taken for written.
  const msgId = `${live.job.id}.${record.type}${epoch}.${newNonce()}`
  for (;;) {
    const expectLast = live.ledgerSeq
    const timeoutMs = WRITE_TIMEOUT_MS
    const seq = await desk.store.put(subjects.ledger(live.job.id), text, {
      msgId,
      expectLast,
      timeoutMs,
    })
    if (seq !== 'lost') {
      live.ledgerSeq = seq
      return 'written'
    }
    // An earlier write of ours may be there although nobody told us. Only a stranger's means that we lost the job.
    const last = await lastRecord(desk, live.job.id)
    if (last?.record.gateway !== desk.gateway || last.seq === expectLast) return 'lost'
    live.ledgerSeq = last.seq
    if (last.record.type === 'final') return record.type === 'final' ? 'written' : 'lost'
  }
}

/** The last record of a job, and its sequence for the next compare-and-set. */
export async function lastRecord(
  desk: Desk,
  id: JobId,
): Promise<{ seq: number; record: LedgerRecord } | undefined> {
  const message = await desk.jsm.direct.getMessage(LEDGER, { last_by_subj: subjects.ledger(id) })
  if (!message) return undefined
  const parsed = LedgerRecord.safeParse(message.json())
  return parsed.success ? { seq: message.seq, record: parsed.data } : undefined
}

export const accountOf = ({
  kind,
  tenant,
  key,
  user,
  priority,
  model,
  admittedAtMs,
}: Account): Account => ({
  kind,
  tenant,
  key,
  ...(user === undefined ? {} : { user }),
  priority,
  model,
  admittedAtMs,
})
