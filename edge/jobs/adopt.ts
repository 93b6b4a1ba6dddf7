import type { StoredMsg } from '@nats-io/jetstream'
import { Failure } from '../../proto/failure.ts'
import { frameHead, isWhole } from '../../proto/frame.ts'
import type { JobId } from '../../proto/ids.ts'
import { CREDIT_WINDOW, Job } from '../../proto/job.ts'
import type { LedgerRecord } from '../../proto/ledger.ts'
import { JOBS, partOf, queueOf, subjects, type Queue } from '../../proto/subjects.ts'
import type { Treasury } from '../budget/treasury.ts'
import { monotonicMs, sleep } from '../clock.ts'
import { depose } from './depose.ts'
import type { Desk } from './desk.ts'
import { fail } from './conclude.ts'
import { formerOf } from './former.ts'
import { accept, hear } from './hear.ts'
import { giveCredit } from './holder-messages.ts'
import { append, lastRecord } from './ledger.ts'
import { LiveJob } from './live-job.ts'
import { isOfItsSpan, replay } from './replay.ts'
import { release } from './release.ts'
import { judgeHeld } from './reread.ts'

/** A job in JOBS, and the last that LEDGER says of it: nothing while nobody claimed it. */
export interface Orphan {
  job: Job
  queue: Queue
  streamSeq: number
  /** It waited for its turn, and lies where no worker pulls. */
  held: boolean
  last: { seq: number; record: LedgerRecord } | undefined
}

interface Adopted {
  orphan: Orphan
  live: LiveJob
}

const utf8 = new TextEncoder()

/** FRAMES may be a moment behind what we hear ourselves. */
const BEHIND_MS = 20
const BEHIND_TRIES = 10
/** After the broker did not answer. */
const AGAIN_MS = 250

/** The jobs that lie in JOBS, are not over, and whose gateway is gone. JOBS is the index: what is settled is not in it. */
export async function orphans(desk: Desk): Promise<Orphan[]> {
  const found = new Map<JobId, Orphan>()
  for await (const message of messagesOf(desk, 'job.>')) {
    const orphan = await orphanIn(desk, message)
    if (orphan) found.set(orphan.job.id, orphan)
  }
  for await (const message of messagesOf(desk, 'held.>')) {
    const orphan = await orphanIn(desk, message)
    // Its turn had come, and its gateway died before it took this away.
    if (orphan && (found.has(orphan.job.id) || hasRun(orphan)))
      await desk.jsm.streams.deleteMessage(JOBS, message.seq, false)
    else if (orphan) found.set(orphan.job.id, orphan)
  }
  return [...found.values()]
}

const hasRun = ({ last }: Orphan): boolean =>
  last !== undefined && last.record.type !== 'final' && last.record.epoch > 0

export async function* messagesOf({ jsm }: Desk, subject: string): AsyncGenerator<StoredMsg> {
  for (let seq = 1; ;) {
    const message = await jsm.direct.getMessage(JOBS, { next_by_subj: subject, seq })
    if (!message) return
    seq = message.seq + 1
    yield message
  }
}

/** The job of one message of JOBS, if it is one and nobody cares for it. */
export async function orphanIn(
  desk: Desk,
  message: { subject: string; seq: number; json: () => unknown },
): Promise<Orphan | undefined> {
  const job = jobIn(message)
  if (!job || desk.live.has(job.id)) return undefined
  const held = message.subject.startsWith('held.')
  const last = await lastRecord(desk, job.id)
  if (last?.record.type === 'final') {
    if (held) await desk.jsm.streams.deleteMessage(JOBS, message.seq, false)
    return undefined
  }
  const owner = last?.record.gateway ?? job.gateway
  // What is ours and not among our live jobs is an orphan like any other.
  if (owner !== desk.gateway && desk.isAlive(owner)) return undefined
  return { job, queue: queueOf(message.subject), streamSeq: message.seq, held, last }
}

/** Whatever else lies in JOBS keeps nobody from adopting the rest. */
export function jobIn(message: { json: () => unknown }): Job | undefined {
  try {
    return Job.safeParse(message.json()).data
  } catch {
    return undefined
  }
}

/**
 * Takes jobs over as they are. First we listen, then we write `adopted` by compare-and-set, then the past is read from
 * FRAMES through the spans, then what was heard meanwhile. Epoch, holder and delivery stay; the worker notices nothing,
 * and nothing is computed again. Throws where the broker did not let it be tried for all of them.
 */
export async function adopt(desk: Desk, all: readonly Orphan[]): Promise<void> {
  const listening = all
    .filter(({ job }) => !desk.live.has(job.id))
    .map((orphan) => listen(desk, orphan))
  if (listening.length === 0) return
  // The server has heard of our interest before it hears that the jobs are ours.
  try {
    await desk.nc.flush()
  } catch (thrown) {
    for (const { live } of listening) depose(desk, live)
    throw thrown
  }
  const written = await Promise.all(listening.map((adopted) => claim(desk, adopted)))
  const ours = new Map<JobId, Adopted>()
  listening.forEach((adopted, i) => {
    if (written[i] === 'ours') ours.set(adopted.live.job.id, adopted)
  })
  await catchUp(desk, ours)
  for (const adopted of ours.values()) begin(desk, adopted)
  if (written.includes('unknown')) throw new Error('the broker did not answer for all jobs')
}

function listen(desk: Desk, orphan: Orphan): Adopted {
  const { job, queue, streamSeq, held, last } = orphan
  const live = new LiveJob(job, queue, { nowMs: monotonicMs(), adopted: true })
  live.doubtful = live.adopting = true
  if (held) live.heldSeq = streamSeq
  else live.streamSeq = streamSeq
  live.ledgerSeq = last?.seq ?? 0
  live.former = formerOf(job, last?.record)
  // The gateway before us may have allowed more than we know; from here on it is we who allow.
  live.credit = Number.POSITIVE_INFINITY
  const record = last?.record
  if (record && record.type !== 'final') {
    live.spans = [...record.spans]
    live.epoch = record.epoch
    for (const death of record.deaths) live.deaths.add(death)
    live.earlier = record.paid ?? []
    const { holder } = record
    if (holder) {
      live.holder = { ...holder, spoke: false }
      live.ack = holder.ack
      live.subject = subjects.out(holder.worker, job.id)
      live.grants.set(record.epoch, { secret: holder.secret, ack: holder.ack })
    }
  }
  live.subscription = desk.nc.subscribe(subjects.outOf(job.id), {
    callback: (error, msg) => {
      if (!error) hear(desk, live, msg)
    },
  })
  desk.live.set(job.id, live)
  return { orphan, live }
}

async function claim(
  desk: Desk,
  { orphan: { job, last }, live }: Adopted,
): Promise<'ours' | 'lost' | 'unknown'> {
  const { epoch, spans } = live
  const holder = live.holder ?? null
  try {
    const written = await append(desk, live, {
      type: 'adopted',
      gateway: desk.gateway,
      spans,
      epoch,
      holder,
      deaths: [...live.deaths],
      from: live.former ?? job.gateway,
      ...(live.earlier.length > 0 && { paid: live.earlier }),
    })
    if (written === 'written') {
      desk.counts.adopted++
      desk.log.warn({ job: job.id, epoch, from: last?.record.gateway }, 'a job was adopted')
      return 'ours'
    }
  } catch (cause) {
    desk.log.warn({ job: job.id, cause }, 'a job could not be adopted yet')
    depose(desk, live)
    return 'unknown'
  }
  depose(desk, live)
  return 'lost'
}

async function catchUp(desk: Desk, ours: ReadonlyMap<JobId, Adopted>): Promise<void> {
  let behind = [...ours.values()].filter(({ live }) => live.epoch > 0)
  for (let tries = 0; behind.length > 0 && tries < BEHIND_TRIES; tries++) {
    if (tries > 0) await sleep(BEHIND_MS)
    try {
      await replay(
        desk,
        behind.map(({ live }) => live.job.id),
        (id, subject, bytes) => {
          const adopted = ours.get(id)
          if (adopted) past(desk, adopted.live, partOf(subject, 1), bytes)
        },
      )
    } catch (cause) {
      desk.log.error({ cause }, 'the frames of adopted jobs could not be read')
      continue
    }
    behind = behind.filter(({ live }) => isBehind(live))
  }
}

/** A frame of before: it counts if it is of the epoch that held its position, and the next one. */
function past(desk: Desk, live: LiveJob, worker: string, bytes: Uint8Array): void {
  const head = frameHead(bytes)
  if (!head || live.outcome) return
  if (desk.fenced && !isOfItsSpan(live.spans, head, worker)) desk.counts.stale++
  else if (head.kind === 'tokens' && !isWhole(bytes, head.count)) desk.counts.junk++
  else if (head.seq === live.next && head.kind !== 'failed')
    accept(desk, live, head, { bytes, nowMs: monotonicMs() })
}

function isBehind(live: LiveJob): boolean {
  const first = live.held.find(({ subject }) => subject === live.subject)
  const head = first && frameHead(first.data)
  return head !== undefined && head.epoch === live.epoch && head.seq > live.next
}

/** Now that it is known how far it came. */
function begin(desk: Desk, adopted: Adopted): void {
  const { live } = adopted
  if (desk.treasury && live.job.funds && !live.outcome)
    void inherit(desk, desk.treasury, adopted).then((ours) => ours && takeUp(desk, adopted))
  else takeUp(desk, adopted)
}

/**
 * What was made so far is paid from what those before us leased: that is written down before we spend anything of our own,
 * so that whoever adopts it next knows who pays for what. What is heard meanwhile is judged after.
 */
async function inherit(
  desk: Desk,
  treasury: Treasury,
  { live, orphan: { job } }: Adopted,
): Promise<boolean> {
  live.doubtful = false
  judgeHeld(desk, live)
  live.doubtful = true
  if (live.outcome) return true
  const { epoch, spans, usage } = live
  const from = live.former ?? job.gateway
  const paid = treasury.paidBefore(job, usage, { earlier: live.earlier, last: from })
  const whose = { gateway: desk.gateway, from, paid, inherited: true } as const
  const record = { type: 'adopted', ...whose, spans, epoch } as const
  for (;;) {
    try {
      const holder = live.holder ?? null
      const written = await append(desk, live, { ...record, holder, deaths: [...live.deaths] })
      if (written === 'written') break
      depose(desk, live)
      return false
    } catch (cause) {
      desk.log.warn({ job: job.id, cause }, 'who pays for an adopted job could not be recorded yet')
      if (desk.nc.isClosed()) return false
      await sleep(AGAIN_MS)
    }
  }
  live.purse = treasury.adopt(job, live, paid)
  return true
}

/** From here on it is a job like any other of ours. */
function takeUp(desk: Desk, { live, orphan }: Adopted): void {
  live.doubtful = live.adopting = false
  if (live.outcome) return
  // We were away meanwhile.
  if (live.doubts > 0) desk.doubt()
  const nowMs = monotonicMs()
  live.silence.start(nowMs, live.holder ? desk.stepMs(live.holder.worker, live.queue) : 0)
  live.window = live.next + CREDIT_WINDOW
  if (live.purse) live.credit = live.purse.reach(live.window, nowMs)
  judgeHeld(desk, live)
  if (!live.purse) live.credit = live.window = live.next + CREDIT_WINDOW
  if (orphan.job.kind === 'duplex') {
    const failure = new Failure(
      'unavailable',
      'The gateway that took the input is gone. Send it again.',
    )
    void fail(desk, live, failure)
    return
  }
  live.idleSinceMs = live.unattendedSinceMs = nowMs
  // Claims for one that waits are ours to answer at once.
  desk.lines.adopt(live, utf8.encode(JSON.stringify({ ...live.job, gateway: desk.gateway })))
  if (!live.holder) return
  if (desk.isGone(live.holder.worker)) release(desk, live, 'disconnect')
  else giveCredit(desk, live, live.holder)
}
