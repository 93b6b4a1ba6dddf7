import { Failure } from '../../proto/failure.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Counts } from './counts.ts'
import type { Desk } from './desk.ts'
import { WRITE_TIMEOUT_MS } from './ledger.ts'
import type { LiveJob } from './live-job.ts'
import { settle, stop } from './settle.ts'

export type Reason = 'disconnect' | 'silence' | 'hole' | 'engine' | 'overrun'

const counted: Record<Reason, keyof Counts> = {
  disconnect: 'releasedByDisconnect',
  silence: 'releasedBySilence',
  hole: 'releasedByHole',
  engine: 'releasedByEngine',
  overrun: 'releasedByOverrun',
}

/** Workers that may die of one job, without a token between them, before it is called poison. */
const MAX_DEATHS = 2
/** Silences in a row without a token: a job that hangs every engine must end too. */
const MAX_SILENCES = 6

/** Takes a job from its holder and offers it again: the next worker goes on from exactly the emitted tokens. */
export function release(desk: Desk, live: LiveJob, reason: Reason): void {
  const { holder } = live
  if (!holder || live.outcome) return
  desk.counts[counted[reason]]++
  desk.log.warn(
    { job: live.job.id, worker: holder.worker, epoch: live.epoch, next: live.next, reason },
    'a worker lost its job',
  )
  live.holder = undefined
  live.subject = undefined
  live.idleSinceMs = Date.now()
  if (reason !== 'disconnect') stop(desk, live, live.epoch)

  const progressed = live.next > (live.spans.at(-1)?.from ?? 0)
  if (progressed) {
    live.deaths.clear()
    live.silences = 0
  } else if (reason === 'silence') live.silences++
  else if (reason === 'engine') live.deaths.add(`${holder.nonce}.${live.epoch}`)
  // A worker that said goodbye did not die of the job; one that is heard of again did not die at all.
  else if (reason === 'disconnect' && !desk.isLeaving(holder.worker)) live.deaths.add(holder.nonce)
  if (live.deaths.size >= MAX_DEATHS || live.silences >= MAX_SILENCES) {
    void bury(desk, live)
    return
  }
  if (live.ack) desk.nc.publish(live.ack, '-NAK')
}

/** A job that kills whoever takes it goes to DEAD with its story. */
async function bury(desk: Desk, live: LiveJob): Promise<void> {
  const failure = new Failure(
    'poisoned',
    'The workers that took this request died of it, so it was given up. Change the request before you send it again.',
  )
  desk.counts.poisoned++
  try {
    const story = {
      job: live.job,
      spans: live.spans,
      deaths: live.deaths.size,
      silences: live.silences,
    }
    const told = { msgId: live.job.id, timeoutMs: WRITE_TIMEOUT_MS, tries: 3 }
    await desk.store.put(subjects.dead(live.queue), JSON.stringify(story), told)
    await settle(desk, live, { outcome: 'failed', failure })
    live.mailbox.close(failure)
  } catch (cause) {
    desk.log.error({ job: live.job.id, cause }, 'a poison job could not be buried')
    live.mailbox.close(failure)
  }
}
