import type { Msg } from '@nats-io/nats-core'
import { monotonicMs } from '../clock.ts'
import { Claim, type ClaimAnswer, type Grant } from '../../proto/claim.ts'
import { deliveryOf } from '../../proto/delivery.ts'
import { Failure } from '../../proto/failure.ts'
import { JobId, newSecret, WorkerId } from '../../proto/ids.ts'
import { partOf, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { fail } from './conclude.ts'
import { paidBefore, raiseCredit } from './credit.ts'
import { giveCredit, replayInput } from './holder-messages.ts'
import { append } from './ledger.ts'
import type { Holder, LiveJob } from './live-job.ts'
import { depose } from './depose.ts'
import { release } from './release.ts'
import { takeIn } from './strangers.ts'

/** Shorter than a worker waits for us. */
const PASSED_ON_MS = 1_000

/** A worker was offered a job and asks for it. Every claim is answered, unless it is none. */
export async function onClaim(desk: Desk, msg: Msg): Promise<void> {
  const worker = WorkerId.safeParse(partOf(msg.subject, 2))
  const id = JobId.safeParse(partOf(msg.subject, 3))
  const claim = readClaim(msg)
  if (!worker.success || !id.success || !claim) {
    desk.counts.junk++
    return
  }
  desk.counts.claims++
  if (desk.isSecond(worker.data, claim.nonce)) {
    msg.respond(JSON.stringify({ go: false, why: 'unknown' } satisfies ClaimAnswer))
    return
  }
  const live = desk.live.get(id.data) ?? (await takeIn(desk, id.data, claim))
  if ('owner' in live) {
    await passOn(desk, msg, subjects.claim(live.owner, worker.data, id.data))
    return
  }
  if ('go' in live) {
    msg.respond(JSON.stringify(live))
    return
  }
  const answer = await decide(desk, live, worker.data, claim)
  msg.respond(JSON.stringify(answer))
  if (live.input && answer.go) replayInput(desk, live, worker.data)
}

/** Its owner answers. Where it does not, the worker asks again, and somebody else may own the job by then. */
async function passOn(desk: Desk, msg: Msg, subject: string): Promise<void> {
  const answer = await desk.nc
    .request(subject, msg.data, { timeout: PASSED_ON_MS })
    .catch(() => undefined)
  if (answer && answer.data.byteLength > 0) msg.respond(answer.data)
}

function readClaim(msg: Msg): Claim | undefined {
  if (msg.data.byteLength === 0 || msg.headers?.code) return undefined
  try {
    return Claim.parse(msg.json())
  } catch {
    return undefined
  }
}

async function decide(
  desk: Desk,
  live: LiveJob,
  worker: WorkerId,
  claim: Claim,
): Promise<ClaimAnswer> {
  // A worker may be offered the job before we are told where it was stored.
  if (live.streamSeq === 0) await live.stored
  if (!isOfJob(live, claim)) {
    desk.counts.junk++
    return { go: false, why: 'unknown' }
  }
  // A zombie that never heard `cancel` asks whether the job is still its own: that delivery was taken back.
  if (isOfOldEpoch(live, claim)) return { go: false, why: 'cancelled' }
  live.ack = claim.ack
  if (live.outcome) {
    if (live.settled) desk.nc.publish(claim.ack, live.outcome === 'done' ? '+ACK' : '+TERM')
    return { go: false, why: live.outcome === 'failed' ? 'done' : live.outcome }
  }
  if (Date.now() >= live.job.deadlineAtMs) {
    void fail(desk, live, new Failure('expired', 'The deadline passed before a worker was free.'))
    return { go: false, why: 'expired' }
  }
  if (live.claimant && isSame(live.claimant, worker, claim)) return live.claimant.answer
  if (live.granting || live.doubtful || live.suspectSinceMs !== undefined)
    return { go: false, why: 'held' }
  if (live.holder) return heldBy(desk, live, live.holder, { worker, claim })
  return grant(desk, live, worker, claim)
}

/** An ack subject is a worker's word: it must speak of this very message, or it could end another tenant's job. */
function isOfJob(live: LiveJob, { ack }: Claim): boolean {
  const { consumer, streamSeq } = deliveryOf(ack)
  return consumer === live.consumer && streamSeq === live.streamSeq
}

const isOfOldEpoch = (live: LiveJob, { ack }: Claim): boolean =>
  live.holder?.ack !== ack && [...live.grants.values()].some((given) => given.ack === ack)

/** Its holder asks again: our answer was lost, or it waits for credit whose message was. */
function heldBy(
  desk: Desk,
  live: LiveJob,
  holder: Holder,
  { worker, claim }: { worker: WorkerId; claim: Claim },
): ClaimAnswer {
  const same = isSame(holder, worker, claim)
  if (same && !holder.spoke) return grantOf(live)
  desk.counts.held++
  if (same) {
    giveCredit(desk, live, holder)
    replayInput(desk, live, worker)
  }
  return { go: false, why: 'held' }
}

const isSame = (
  one: { worker: WorkerId; nonce: string; ack: string },
  worker: WorkerId,
  { nonce, ack }: Claim,
): boolean => one.worker === worker && one.nonce === nonce && one.ack === ack

/** While it is being written, the same claim over another way gets the same answer. */
function grant(desk: Desk, live: LiveJob, worker: WorkerId, claim: Claim): Promise<ClaimAnswer> {
  const claimant = {
    ...claim,
    worker,
    gone: false,
    answer: Promise.resolve<ClaimAnswer>({ go: false, why: 'held' }),
  }
  live.claimant = claimant
  claimant.answer = write(desk, live, claimant)
  return claimant.answer
}

async function write(
  desk: Desk,
  live: LiveJob,
  claimant: NonNullable<LiveJob['claimant']>,
): Promise<ClaimAnswer> {
  const { worker, nonce, connection, ack } = claimant
  const epoch = live.epoch + 1
  const spans = [...live.spans, { epoch, from: live.next, worker }]
  const holding = { worker, nonce, connection, ack, secret: newSecret() }
  try {
    const written = await append(desk, live, {
      type: 'claimed',
      gateway: desk.gateway,
      spans,
      epoch,
      holder: holding,
      deaths: [...live.deaths],
      ...paidBefore(live),
    })
    // The reader left while we wrote: its end is on the way to LEDGER behind this record.
    if (live.outcome) return { go: false, why: 'cancelled' }
    if (written === 'lost') return deposed(desk, live)
  } catch (cause) {
    desk.log.warn({ job: live.job.id, cause }, 'a claim could not be recorded')
    return { go: false, why: 'held' }
  } finally {
    live.claimant = undefined
  }
  live.spans = spans
  live.epoch = epoch
  live.grants.set(epoch, { secret: holding.secret, ack })
  raiseCredit(desk, live)
  live.holder = { ...holding, spoke: false }
  live.subject = subjects.out(worker, live.job.id)
  live.silence.start(monotonicMs(), desk.stepMs(worker, live.queue))
  desk.counts.granted++
  desk.lines.claimed(live)
  const granted = grantOf(live)
  // Nobody is there to hear it any more.
  if (claimant.gone) release(desk, live, 'disconnect')
  return granted
}

function grantOf(live: LiveJob): Grant {
  return {
    go: true,
    epoch: live.epoch,
    from: live.next,
    prefix: live.ids,
    credit: live.credit,
    inputFrom: live.input?.first ?? 0,
    leftMs: Math.max(0, live.job.deadlineAtMs - Date.now()),
    secret: live.grants.get(live.epoch)?.secret ?? '',
  }
}

function deposed(desk: Desk, live: LiveJob): ClaimAnswer {
  depose(desk, live)
  return { go: false, why: 'deposed' }
}
