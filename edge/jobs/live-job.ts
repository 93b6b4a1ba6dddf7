import type { Msg, Subscription } from '@nats-io/nats-core'
import type { Claim, ClaimAnswer } from '../../proto/claim.ts'
import type { Paid } from '../../proto/budget.ts'
import type { Holding, Outcome, Span, Usage } from '../../proto/ledger.ts'
import type { GatewayId, WorkerId } from '../../proto/ids.ts'
import { CREDIT_WINDOW, onlyCounts, SAYS, type Job } from '../../proto/job.ts'
import { consumerOf, type Queue } from '../../proto/subjects.ts'
import type { Seat } from '../queue/line.ts'
import type { Purse } from '../budget/purse.ts'
import type { Post } from './fence.ts'
import { InputLog } from './input-log.ts'
import type { Waiting } from './lines.ts'
import { Silence } from './silence.ts'
import { Tape } from './tape.ts'

const NOTHING: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }

/** Who computes a job now. */
export interface Holder extends Holding {
  /** Whether a frame of this epoch was accepted. */
  spoke: boolean
}

/** A job that this gateway admitted and has not settled: the state that the rules of PROTOCOL.md speak of. */
export class LiveJob implements Post {
  readonly job: Job
  readonly queue: Queue
  readonly consumer: string
  readonly tape: Tape
  readonly silence = new Silence()
  readonly input: InputLog | undefined
  subscription: Subscription | undefined

  /** The subject's last sequence in LEDGER, which the next record must name. */
  ledgerSeq = 0
  /** The record being written: the next one waits for it, since it must name its sequence. */
  writing: Promise<void> | undefined
  /** Where the job lies in JOBS, known from the PubAck; 0 before it. */
  streamSeq = 0
  /** Resolves when that is known. */
  stored: Promise<unknown> = Promise.resolve()
  /** Its place among those that want the same slots; nothing before it has one. */
  seat: Seat<Waiting> | undefined
  /** Where a job that must not be lost lies in JOBS while it waits; 0 where it does not. */
  heldSeq = 0
  /** Resolves when that is known. */
  keeping: Promise<unknown> | undefined
  /** Where to acknowledge the latest delivery; nothing until a worker has claimed. */
  ack: string | undefined
  /** Since when nobody holds it. */
  idleSinceMs: number
  readonly #sinceMs: number

  epoch = 0
  holder: Holder | undefined
  subject: string | undefined
  spans: Span[] = []
  /** Every claim that was granted, by its epoch: a zombie is known by its ack and stopped with its secret. */
  readonly grants = new Map<number, { secret: string; ack: string }>()
  /** Whose claim is being written to LEDGER, and whether its connection ended meanwhile. */
  claimant: (Claim & { worker: WorkerId; gone: boolean; answer: Promise<ClaimAnswer> }) | undefined
  /** Since when too many deaths speak against it. It is offered to nobody until it is buried or they are taken back. */
  suspectSinceMs: number | undefined
  next = 0
  ids: number[] = []
  /** From admission to the first token, where it came to us. */
  firstTokenMs: number | undefined
  /** What the first worker said of its prompt: later ones read the same, and what they read twice is nobody's cost. */
  prompt: { promptTokens: number; cachedTokens: number } | undefined
  /** Tokens (or blocks) that the foremost reader has taken. */
  read = 0
  /** Readers at this gateway, and at others. */
  readers = 0
  remoteReaders = 0
  /** Since when nobody reads it. */
  unattendedSinceMs: number
  /** Taken over from a gateway that is gone. */
  readonly adopted: boolean
  /** We were away for so long that another may own this by now, or we are about to: nothing is done before LEDGER was read. */
  doubtful = false
  /** It is being taken over, and its past is not known yet. */
  adopting = false
  /** Counts the doubts: an answer of LEDGER ends only the one that it was asked for. */
  doubts = 0
  /** What was heard meanwhile, to be judged then. */
  readonly held: Msg[] = []
  /** Another gateway owns it. */
  moved = false
  /** A limiter waits for its end. */
  limited = false
  /** How far its readers let it go. */
  window = CREDIT_WINDOW
  /** How far its holder may go: no further than that, nor than is paid for. */
  credit = CREDIT_WINDOW
  /** What it may spend, where budgets pay for it. */
  purse: Purse | undefined
  /** What those hold who had it before us, as the last record says. */
  earlier: Paid[] = []
  /** Who had it before us, and paid for what was made last. */
  former: GatewayId | undefined
  /** It waits for money. */
  starving = false
  /** Workers that died with it in a row, without a token between them: by boot nonce, or nonce and epoch. */
  readonly deaths = new Set<string>()
  /** Other attempts in a row that came to nothing, without a token between them. */
  failings = 0
  /** Set once, when the job is over for everyone: the record that says so may still be on its way. */
  outcome: Outcome | undefined
  /** That record is in LEDGER: from here on a delivery may be acknowledged. */
  settled = false
  /** The epoch whose zombie was told to stop. */
  warnedEpoch = 0

  constructor(
    job: Job,
    queue: Queue,
    { nowMs, adopted = false }: { nowMs: number; adopted?: boolean },
  ) {
    this.job = job
    this.adopted = adopted
    this.tape = new Tape(this.resumable || job.caching !== undefined)
    this.unattendedSinceMs = nowMs
    this.queue = queue
    this.consumer = consumerOf(queue)
    this.idleSinceMs = this.#sinceMs = nowMs
    this.input = job.kind === 'duplex' ? new InputLog() : undefined
  }

  /** The reader of an adopted job may be at a gateway that only stood still, and come from there. */
  get resumable(): boolean {
    return this.adopted || this.job.reading.resumable
  }

  get granting(): boolean {
    return this.claimant !== undefined
  }

  get attended(): boolean {
    return this.readers + this.remoteReaders > 0
  }

  /** One that was adopted began elsewhere, and nobody here knows when. */
  spoke(nowMs: number): void {
    if (this.firstTokenMs === undefined && !this.adopted)
      this.firstTokenMs = Math.round(nowMs - this.#sinceMs)
  }

  /** What it used so far. A prompt that no worker told of is nothing, and neither is one that was only counted: no model read it. */
  get usage(): Usage {
    if (onlyCounts(this.job)) return NOTHING
    const { promptTokens = 0, cachedTokens = 0 } = this.prompt ?? {}
    const completionTokens = SAYS[this.job.kind] ? this.next : 0
    return { promptTokens, cachedTokens, completionTokens }
  }

  /** Whether its holder could say something now: it has credit and, for a stream, something to work on. */
  get maySpeak(): boolean {
    return this.next < this.credit && (this.input === undefined || this.input.pending)
  }
}
