import { monotonicMs } from '../clock.ts'
import { Failure } from '../../proto/failure.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Counts } from './counts.ts'
import type { Desk } from './desk.ts'
import { WRITE_TIMEOUT_MS } from './ledger.ts'
import type { Holder, LiveJob } from './live-job.ts'
import { settle, stop } from './settle.ts'

export type Reason = 'disconnect' | 'reconnect' | 'silence' | 'hole' | 'engine' | 'overrun'

const counted: Record<Reason, keyof Counts> = {
  disconnect: 'releasedByDisconnect',
  reconnect: 'releasedByDisconnect',
  silence: 'releasedBySilence',
  hole: 'releasedByHole',
  engine: 'releasedByEngine',
  overrun: 'releasedByOverrun',
}

/** Workers that may die of one job, without a token between them, before it is called poison. */
const MAX_DEATHS = 2
/** Attempts in a row that ended in silence or misconduct without a token: a job that hangs every engine must end too. */
const MAX_FAILINGS = 6

/** Takes a job from its holder and offers it again: the next worker goes on from exactly the emitted tokens. */
export function release(desk: Desk, live: LiveJob, reason: Reason): void {
  const { holder } = live
  if (desk.pulse.takeDoubt(monotonicMs())) desk.doubt()
  if (!holder || live.outcome || live.doubtful) return
  desk.counts[counted[reason]]++
  desk.log.warn(
    { job: live.job.id, worker: holder.worker, epoch: live.epoch, next: live.next, reason },
    'a worker lost its job',
  )
  live.holder = undefined
  live.subject = undefined
  desk.lines.returned(live)
  if (reason !== 'disconnect') stop(desk, live, live.epoch)
  remember(desk, live, holder, reason)
  if (isPoison(live)) live.suspectSinceMs = monotonicMs()
  else offerAgain(desk, live)
}

export const isPoison = (live: LiveJob): boolean =>
  live.deaths.size >= MAX_DEATHS || live.failings >= MAX_FAILINGS

export function offerAgain(desk: Desk, live: LiveJob): void {
  live.idleSinceMs = monotonicMs()
  if (live.ack) desk.nc.publish(live.ack, '-NAK')
}

/** What speaks against a job. One that made a token meanwhile starts anew: an innocent one may be killed often. */
function remember(desk: Desk, live: LiveJob, holder: Holder, reason: Reason): void {
  if (live.next > (live.spans.at(-1)?.from ?? 0)) {
    live.deaths.clear()
    live.failings = 0
  } else if (reason === 'engine') live.deaths.add(`${holder.nonce}.${live.epoch}`)
  // A worker that said goodbye did not die of the job; one that is heard of again did not die at all.
  else if (reason === 'disconnect' && !desk.isLeaving(holder.worker)) live.deaths.add(holder.nonce)
  else if (reason !== 'disconnect' && reason !== 'reconnect') live.failings++
}

/** A job that kills whoever takes it goes to DEAD with its story. */
export async function bury(desk: Desk, live: LiveJob): Promise<void> {
  const { id } = live.job
  // It is looked at again every tick.
  live.suspectSinceMs = Number.POSITIVE_INFINITY
  const failure = new Failure(
    'poisoned',
    'The workers that took this request died of it, so it was given up. Change the request before you send it again.',
  )
  desk.counts.poisoned++
  const { job, spans, failings } = live
  const story = JSON.stringify({ job, spans, deaths: live.deaths.size, failings })
  const told = { msgId: id, timeoutMs: WRITE_TIMEOUT_MS, tries: 3 }
  await desk.store.put(subjects.dead(live.queue), story, told).catch((cause: unknown) => {
    desk.log.error({ job: id, cause }, 'the story of a poison job could not be kept')
  })
  await settle(desk, live, { outcome: 'failed', failure }).catch((cause: unknown) => {
    desk.log.error({ job: id, cause }, 'a poison job could not be settled')
  })
  live.tape.close({ failure })
}
