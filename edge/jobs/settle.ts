import { sleep } from '../clock.ts'
import { Failure } from '../../proto/failure.ts'
import type { Paid } from '../../proto/budget.ts'
import type { End } from '../../proto/frame.ts'
import type { Final, Outcome } from '../../proto/ledger.ts'
import type { Used } from '../ports.ts'
import { costOf } from '../../proto/money.ts'
import { JOBS, subjects } from '../../proto/subjects.ts'
import { depose, forget } from './depose.ts'
import type { Desk } from './desk.ts'
import { unhold } from './hold.ts'
import { keep, keepFailed } from './keep-answer.ts'
import { accountOf, append } from './ledger.ts'
import type { LiveJob } from './live-job.ts'
import { remember } from './remember.ts'

const RETRY_MS = 1_000

export interface Ending {
  outcome: Outcome
  end?: End
  /** The frame that said so. */
  last?: Uint8Array
  failure?: Failure
}

/**
 * Ends a job, once. The order is the protocol: the record in LEDGER first, by compare-and-set, then whatever removes
 * the message from JOBS, then the slot. A gateway that lost the job touches neither. Resolves when the record is
 * written, so a reader never sees an end that may yet be taken back; what follows goes on in the background. `moved`
 * where another gateway owns it: nothing ended.
 */
export async function settle(
  desk: Desk,
  live: LiveJob,
  ending: Ending,
): Promise<'settled' | 'moved'> {
  if (live.outcome) return 'settled'
  live.outcome = ending.outcome
  desk.lines.left(live)
  const holder = live.holder
  if (ending.last && live.resumable) await keep(desk, live, ending.last)
  const paid = billOf(desk, live)
  const written = await record(desk, live, ending, paid)
  if (written === 'lost') {
    depose(desk, live)
    return 'moved'
  }
  live.settled = true
  desk.counts[ending.outcome]++
  live.purse?.close(paid ?? [])
  for (const pool of live.purse?.pools ?? []) desk.treasury?.leases.returned(pool)
  // Nobody told it that its answer is over: it waits for credit.
  if (holder && (ending.outcome !== 'done' || ending.end?.code)) stop(desk, live, live.epoch)
  live.holder = undefined
  live.subject = undefined
  // A cancelled job's slot waits for this; a finished one's does not.
  if (ending.outcome === 'done') desk.afterwards.add(() => void unqueue(desk, live, 'done'))
  else void unqueue(desk, live, ending.outcome)
  forget(desk, live)
  // One that ended with its budget is no answer to the question.
  if (ending.last && !ending.end?.code) remember(desk, live, ending.last)
  if (live.limited) desk.ended(live.job.id, live.job.tenant, usedBy(live))
  if (ending.outcome !== 'done') await keepFailed(desk, live, ending.failure)
  return 'settled'
}

/** Of a prompt that a worker may have read without saying so nobody knows. */
const usedBy = ({ usage, spans, prompt }: LiveJob): Used => ({
  promptTokens: prompt?.promptTokens ?? (spans.length > 0 ? null : 0),
  completionTokens: usage.completionTokens,
})

/** Tells the holder of an epoch to stop. Its slot is free after at most one step. */
export function stop(desk: Desk, live: LiveJob, epoch: number): void {
  const secret = live.grants.get(epoch)?.secret
  const worker = live.spans.findLast((span) => span.epoch === epoch)?.worker
  if (!secret || !worker) return
  const control = { type: 'cancel', job: live.job.id, epoch, secret } as const
  desk.nc.publish(subjects.ctl(worker), JSON.stringify(control))
}

/** What its budgets pay. One that ended while it was taken over was paid for by those who had it. */
function billOf(
  { treasury }: Desk,
  { job, purse, usage, earlier, former }: LiveJob,
): Paid[] | undefined {
  if (purse) return purse.bill(usage)
  if (!job.funds || !treasury || !former) return undefined
  return treasury.paidBefore(job, usage, { earlier, last: former })
}

async function record(
  desk: Desk,
  live: LiveJob,
  ending: Ending,
  paid: readonly Paid[] | undefined,
): Promise<'written' | 'lost'> {
  const { outcome, end, failure } = ending
  const { usage } = live
  const final: Final = {
    type: 'final',
    gateway: desk.gateway,
    spans: live.spans,
    outcome,
    finish: end?.finish ?? null,
    ...(end?.code && { code: end.code }),
    usage,
    ...(live.job.price && { cost: String(costOf(live.job.price, usage)) }),
    ...(paid && { paid: [...paid] }),
    ...(live.firstTokenMs === undefined ? {} : { firstTokenMs: live.firstTokenMs }),
    ...accountOf(live.job),
    failure: failure?.toJSON() ?? null,
  }
  for (;;) {
    try {
      return await append(desk, live, final)
    } catch (cause) {
      // The broker is away. Nobody else may end the job, so it is written when it is back, whoever still waits for it.
      if (desk.nc.isClosed())
        throw new Failure('unavailable', 'The end of the answer could not be recorded.', { cause })
      await sleep(RETRY_MS)
    }
  }
}

/**
 * Removes the job from JOBS. The acknowledgement is not waited for: should it be lost, the next delivery is refused as
 * done, by LEDGER, and acknowledged then (see strangers.ts).
 */
async function unqueue(desk: Desk, live: LiveJob, outcome: Outcome): Promise<void> {
  try {
    // It may be on its way to JOBS.
    if (live.keeping) await live.keeping
    if (live.streamSeq === 0) await live.stored
    if (live.heldSeq > 0) await unhold(desk, live)
    if (live.ack) desk.nc.publish(live.ack, outcome === 'done' ? '+ACK' : '+TERM')
    else if (live.streamSeq > 0) await desk.jsm.streams.deleteMessage(JOBS, live.streamSeq, false)
  } catch (cause) {
    desk.log.warn(
      { job: live.job.id, cause },
      'a settled job could not be removed from its queue yet',
    )
  }
}
