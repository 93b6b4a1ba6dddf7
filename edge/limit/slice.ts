import type { BucketRow, SharedBucket } from '../../proto/shared-bucket.ts'
import type { Bucket } from '../ports.ts'
import { drained, HAIR, levelAt, msPerUnit, WINDOW_MS } from './gcra.ts'
import { freeIn, LEASE_MS, type Report } from './lease.ts'

/** A lease is used a little shorter than it lasts. */
const MARGIN_MS = 500
/** A refusal rests on what was read of the bucket this long ago at most. */
const FRESH_MS = 250
/** Of a limit, what one gateway may have in hand beyond what its requests wait for. */
const SHARE = 1 / 8
/** It has in hand what it used in so many beats. */
const BEATS_AHEAD = 2
/** An idle lease is looked after so long before it ends. */
const RENEW_MS = LEASE_MS / 2

/** Of a store that is away for long, the last words are enough. */
const MAX_SENT = 8

/** What one gateway has of one bucket, and knows of the rest of it. Time comes in as an argument, and goes only forward. */
export class Slice {
  bucket: Bucket
  row: BucketRow | undefined
  readonly #gateway: string
  #have = 0
  #spent = 0
  #owed = 0
  #inUse = 0
  #leasedAtMs = Number.NEGATIVE_INFINITY
  #free = 0
  #readAtMs = Number.NEGATIVE_INFINITY
  #heardAtMs = Number.NEGATIVE_INFINITY
  #used = 0
  #usedBefore = 0
  #usedAtMs = Number.NEGATIVE_INFINITY
  /** Reports that may have arrived since it was last known that one did: each tells all that the ones before it told. */
  #sent: Report[] = []
  #seq = 0
  /** While the shared bucket cannot be asked: when our own share of it is full again. */
  #shareTatMs: number | undefined

  constructor(bucket: Bucket, gateway: string) {
    this.bucket = bucket
    this.#gateway = gateway
  }

  /** Its limit was changed: what was read is of another bucket. */
  rebind(bucket: Bucket): void {
    if (bucket.limit !== this.bucket.limit)
      this.#readAtMs = this.#heardAtMs = Number.NEGATIVE_INFINITY
    this.bucket = bucket
  }

  can(units: number, nowMs: number): boolean {
    return units <= this.#inHand(nowMs)
  }

  spend(units: number, nowMs: number): void {
    this.#have -= units
    if (this.bucket.meter === 'streams') this.#inUse += units
    else this.#spent += units
    this.#note(units, nowMs)
  }

  /** Whether what is known of the bucket is good enough to refuse by. */
  isFresh(nowMs: number): boolean {
    return nowMs - this.#heardAtMs <= FRESH_MS
  }

  /** In hand and in the shared bucket together, as far as we know. */
  there(nowMs: number): number {
    return this.#inHand(nowMs) + this.#freeAt(nowMs) - this.#owed
  }

  /** More was used than was taken, or less. */
  correct(units: number, nowMs: number): void {
    if (this.bucket.meter === 'streams') {
      this.#inUse += units
      this.#have -= units
      return
    }
    // What was told as spent is put back by telling of it too.
    const least = Math.min(0, this.#told - this.#spent)
    const most = Math.max(0, this.#inHand(nowMs))
    const ofLease = nowMs < this.#untilMs ? Math.max(least, Math.min(most, units)) : 0
    this.#have -= ofLease
    this.#spent += ofLease
    this.#owed += units - ofLease
  }

  /** Whether more should be leased before it is asked for. */
  runsLow(nowMs: number): boolean {
    const wanted = this.#ahead(0)
    return this.#have * 2 < wanted && this.#freeAt(nowMs) >= 1
  }

  /** It was used since it was last told of. */
  get hasNews(): boolean {
    return this.#spent !== 0 || this.#owed !== 0
  }

  /** Once a second. Whether there is something to tell of. */
  beat(nowMs: number): boolean {
    this.#usedBefore = this.#used
    this.#used = 0
    if (this.hasNews) return true
    if (this.#have === 0 && this.#inUse === 0) return false
    return this.#have > this.#ahead(0) || nowMs - this.#leasedAtMs > RENEW_MS
  }

  /** Nothing more will be asked for. */
  leave(): void {
    this.#used = this.#usedBefore = 0
  }

  /** Full again, and leased to us in no part. */
  isIdle(nowMs: number): boolean {
    const bare = this.#have === 0 && this.#inUse === 0 && this.#spent === 0 && this.#owed === 0
    return bare && nowMs - this.#usedAtMs > 2 * WINDOW_MS
  }

  /** What is to be told, with what requests wait for. What is given back is out of hand from here on. */
  report({ least, waiting }: { least: number; waiting: number }): Report {
    const most = waiting + this.#ahead(waiting)
    const report: Report = {
      gateway: this.#gateway,
      seq: ++this.#seq,
      spent: this.#spent,
      owed: this.#owed,
      have: Math.max(0, this.#have),
      inUse: this.#inUse,
      most,
      least,
    }
    this.#have = Math.min(this.#have, most)
    this.#sent = [...this.#sent.slice(-MAX_SENT), report]
    return report
  }

  /** Whether a report of ours is the last that this heard of us. */
  arrivedIn(shared: SharedBucket): boolean {
    return this.#arrived(shared) !== undefined
  }

  /** A report of ours is in the shared bucket, which at `atMs` was this. */
  absorb(
    shared: SharedBucket,
    { sentAtMs, atMs, nowMs }: { sentAtMs: number; atMs: number; nowMs: number },
  ): void {
    const told = this.#arrived(shared)
    const units = shared.leases[this.#gateway]?.units ?? 0
    this.#spent -= told?.spent ?? 0
    this.#owed -= told?.owed ?? 0
    this.#sent = []
    this.#have = units - (this.bucket.meter === 'streams' ? this.#inUse : this.#spent)
    if (this.bucket.meter !== 'streams' && this.#have < 0) {
      // The lease had ended before we thought it would.
      this.#owed -= this.#have
      this.#spent += this.#have
      this.#have = 0
    }
    this.#leasedAtMs = sentAtMs
    this.#free = freeIn(shared, this.bucket)
    this.#readAtMs = atMs
    this.#heardAtMs = nowMs
    this.#shareTatMs = undefined
  }

  /** What is missing of so many, of our own share of a limit that `gateways` share without each other's word. */
  missingOfShare(units: number, gateways: number, nowMs: number): number {
    const share = this.#share(gateways)
    if (this.bucket.meter === 'streams') return this.#inUse + units - share
    return Math.min(units, share) - levelAt(this.#shareTat(gateways, nowMs), share, nowMs)
  }

  spendShare(units: number, gateways: number, nowMs: number): void {
    this.#note(units, nowMs)
    if (this.bucket.meter === 'streams') {
      this.#inUse += units
      this.#have -= units
      return
    }
    const share = this.#share(gateways)
    this.#shareTatMs = drained(this.#shareTat(gateways, nowMs), share, units, nowMs)
    this.#owed += units
  }

  get #told(): number {
    return this.#sent.reduce((most, { spent }) => Math.max(most, spent), 0)
  }

  #arrived(shared: SharedBucket): Report | undefined {
    const seq = shared.leases[this.#gateway]?.seq
    return this.#sent.find((report) => report.seq === seq)
  }

  get #untilMs(): number {
    return this.#leasedAtMs + LEASE_MS - MARGIN_MS
  }

  #inHand(nowMs: number): number {
    return nowMs < this.#untilMs ? this.#have : 0
  }

  #freeAt(nowMs: number): number {
    const { limit, meter } = this.bucket
    if (this.#readAtMs === Number.NEGATIVE_INFINITY) return limit
    if (meter === 'streams') return this.#free
    const filled = this.#free + (nowMs - this.#readAtMs) / msPerUnit(limit)
    return Math.min(filled, limit - Math.max(0, this.#have))
  }

  #ahead(waiting: number): number {
    const use = Math.max(this.#used, this.#usedBefore) + waiting
    return Math.min(Math.floor(this.bucket.limit * SHARE), BEATS_AHEAD * Math.ceil(use))
  }

  #note(units: number, nowMs: number): void {
    this.#used += units
    this.#usedAtMs = nowMs
  }

  /** Of a small limit, one: nobody is shut out by a store that is away. */
  #share(gateways: number): number {
    const { limit, meter } = this.bucket
    const share = Math.max(1, limit / gateways)
    return meter === 'streams' ? Math.floor(share) : share
  }

  /** It begins with a share of what was there when the bucket was read last. */
  #shareTat(gateways: number, nowMs: number): number {
    const share = this.#share(gateways)
    const there = Math.max(0, Math.min(share, this.#freeAt(nowMs) / gateways))
    this.#shareTatMs ??= nowMs + (share - there) * msPerUnit(share) - HAIR
    return this.#shareTatMs
  }
}
