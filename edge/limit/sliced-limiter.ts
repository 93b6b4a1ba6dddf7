import type { JobId } from '../../proto/ids.ts'
import { monotonicMs } from '../clock.ts'
import type { Ask, Bucket, Limiter, Log, Used, Verdict } from '../ports.ts'
import { costIn } from './buckets.ts'
import { HAIR } from './gcra.ts'
import { Holds } from './holds.ts'
import { round, SharedClock, type BucketStore, type Want } from './rounds.ts'
import { Slice } from './slice.ts'
import { refuse, tell } from './verdict.ts'

/** A request that others outran so often is refused. */
const ROUNDS = 4
/** Buckets in one statement. */
const MAX_BUCKETS = 256

/** A bucket is full again, and its leases are over, after two minutes: in debt it may be for longer. */
const OLD_MS = 60 * 60_000
const DROP_EVERY_MS = 10 * 60_000

interface Waiting {
  ask: Ask
  slices: readonly Slice[]
  rounds: number
  resolve: (verdict: Verdict) => void
}

export interface SlicedOptions {
  /** One life of a process: what a former one had leased is not ours. */
  gateway: string
  store: BucketStore
  /** How many gateways there are, this one among them: each takes its share while the store is away. */
  gateways: () => number
  log: Log
  nowMs?: () => number
}

/**
 * Limits that several gateways keep together. Each leases slices of the buckets that are in use at it and spends them
 * from memory; the store is told and asked once a second, ahead of need. A request waits for it where the slice is used
 * up and the bucket may hold more, so a refusal always rests on the store's word, or on that of a moment ago.
 */
export class SlicedLimiter implements Limiter {
  readonly #options: Required<SlicedOptions>
  readonly #clock = new SharedClock()
  readonly #slices = new Map<string, Slice>()
  /** By the list of buckets, which is the same one for each request of a key. */
  #bound = new WeakMap<readonly Bucket[], readonly Slice[]>()
  readonly #holds = new Holds()
  readonly #due = new Set<Slice>()
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #away = false
  #dropAtMs: number

  constructor(options: SlicedOptions) {
    this.#options = { nowMs: monotonicMs, ...options }
    this.#dropAtMs = this.#options.nowMs() + DROP_EVERY_MS
  }

  take(ask: Ask): Verdict | Promise<Verdict> {
    const slices = this.#slicesOf(ask.buckets)
    const verdict = this.#try(ask, slices)
    if (verdict) return verdict
    return new Promise((resolve) => {
      this.#waiting.push({ ask, slices, rounds: 0, resolve })
      this.#run()
    })
  }

  refund({ buckets, cost }: Ask): void {
    const nowMs = this.#options.nowMs()
    for (const slice of this.#slicesOf(buckets)) slice.correct(-costIn(cost, slice.bucket), nowMs)
  }

  end(job: JobId, _project: string, used: Used | undefined): void {
    const nowMs = this.#options.nowMs()
    for (const { bucket, units } of this.#holds.end(job, used))
      if (units !== 0) this.#sliceOf(bucket).correct(units, nowMs)
  }

  /** To be called once a second. Resolves when what there was to tell is told. */
  beat(): Promise<void> {
    const nowMs = this.#options.nowMs()
    for (const [id, slice] of this.#slices) {
      if (slice.beat(nowMs) || this.#away) this.#due.add(slice)
      else if (slice.isIdle(nowMs)) {
        this.#slices.delete(id)
        this.#bound = new WeakMap()
      }
    }
    if (this.#due.size > 0) this.#run()
    if (nowMs >= this.#dropAtMs) this.#drop(nowMs)
    return this.#running ?? Promise.resolve()
  }

  /** Gives back what is in hand: without this it comes back by itself, as if it had been used. */
  async leave(): Promise<void> {
    await this.#running
    for (const slice of this.#slices.values()) {
      slice.leave()
      this.#due.add(slice)
    }
    this.#run()
    await this.#running
  }

  /** From memory, where that is enough; nothing where the store must be asked. */
  #try(ask: Ask, slices: readonly Slice[]): Verdict | undefined {
    const nowMs = this.#options.nowMs()
    const verdict: Verdict = {}
    let short = false
    for (const slice of slices) {
      const cost = costIn(ask.cost, slice.bucket)
      if (cost === 0 || slice.can(cost, nowMs)) continue
      const missing = this.#missing(slice, cost, nowMs)
      if (missing === undefined) short = true
      else if (missing > HAIR) refuse(verdict, slice.bucket, missing)
      // Nothing fills in for what is out, so a bucket that is dry is told at once of what was used.
      if (verdict.refusal && slice.hasNews) this.#askSoon(slice)
    }
    if (short && !verdict.refusal) return undefined
    if (!verdict.refusal) {
      for (const slice of slices) this.#spend(slice, costIn(ask.cost, slice.bucket), nowMs)
      this.#holds.add(ask, nowMs)
    }
    for (const slice of slices) tell(verdict, slice.bucket, slice.there(nowMs))
    return verdict
  }

  /** What lacks of a bucket that our slice of is too small; nothing where only the store knows. */
  #missing(slice: Slice, cost: number, nowMs: number): number | undefined {
    if (this.#away) return slice.missingOfShare(cost, this.#options.gateways(), nowMs)
    const missing = cost - slice.there(nowMs)
    return slice.isFresh(nowMs) && missing > HAIR ? missing : undefined
  }

  #spend(slice: Slice, cost: number, nowMs: number): void {
    if (cost === 0) return
    if (slice.can(cost, nowMs)) slice.spend(cost, nowMs)
    else slice.spendShare(cost, this.#options.gateways(), nowMs)
    if (slice.runsLow(nowMs)) this.#askSoon(slice)
  }

  #askSoon(slice: Slice): void {
    if (this.#away || this.#due.has(slice)) return
    this.#due.add(slice)
    this.#run()
  }

  /** One round at a time: what comes up meanwhile is in the next. */
  #run(): void {
    this.#running ??= this.#rounds()
  }

  async #rounds(): Promise<void> {
    // What else comes in this turn goes along.
    await Promise.resolve()
    do {
      const wants = this.#wants()
      if (wants.size === 0) break
      await this.#round(wants)
      this.#serve()
    } while (!this.#away)
    // In the very turn in which there was nothing left: who comes later begins another.
    this.#running = undefined
  }

  async #round(wants: ReadonlyMap<Slice, Want>): Promise<void> {
    const { store, log, nowMs } = this.#options
    try {
      await round(store, wants, { clock: this.#clock, nowMs })
      if (this.#away) log.info({}, 'limits are shared again')
      this.#away = false
    } catch (cause) {
      if (!this.#away) log.warn({ cause }, 'limits cannot be shared: each gateway keeps its part')
      this.#away = true
    }
  }

  /** What is due and what is waited for, which comes first. */
  #wants(): Map<Slice, Want> {
    const nowMs = this.#options.nowMs()
    const wants = new Map<Slice, Want>()
    for (const { ask, slices } of this.#waiting)
      for (const slice of slices) {
        const cost = costIn(ask.cost, slice.bucket)
        if (cost === 0) continue
        const want = wants.get(slice)
        if (want) {
          want.waiting += cost
          want.least = Math.min(want.least, cost)
        } else if (wants.size < MAX_BUCKETS) wants.set(slice, { least: cost, waiting: cost })
      }
    for (const [slice, { waiting }] of wants) if (slice.can(waiting, nowMs)) wants.delete(slice)
    for (const slice of this.#due) {
      if (wants.size >= MAX_BUCKETS) break
      if (!wants.has(slice)) wants.set(slice, { least: 0, waiting: 0 })
    }
    for (const slice of wants.keys()) this.#due.delete(slice)
    return wants
  }

  /** First come, first served. */
  #serve(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) {
      const verdict = this.#try(one.ask, one.slices) ?? this.#outrun(one)
      if (verdict) one.resolve(verdict)
      else this.#waiting.push(one)
    }
  }

  #outrun(one: Waiting): Verdict | undefined {
    if (++one.rounds < ROUNDS) return undefined
    const nowMs = this.#options.nowMs()
    const verdict: Verdict = {}
    for (const slice of one.slices) tell(verdict, slice.bucket, slice.there(nowMs))
    const [first] = one.slices.filter(
      (slice) => !slice.can(costIn(one.ask.cost, slice.bucket), nowMs),
    )
    if (first) refuse(verdict, first.bucket, 1)
    return verdict
  }

  #drop(nowMs: number): void {
    this.#dropAtMs = nowMs + DROP_EVERY_MS
    // Another gateway does it too, and later this one again.
    this.#options.store.drop(this.#clock.at(nowMs) - OLD_MS).catch(() => undefined)
  }

  #slicesOf(buckets: readonly Bucket[]): readonly Slice[] {
    const known = this.#bound.get(buckets)
    if (known) return known
    const slices = buckets.map((bucket) => {
      const slice = this.#sliceOf(bucket)
      slice.rebind(bucket)
      return slice
    })
    this.#bound.set(buckets, slices)
    return slices
  }

  #sliceOf(bucket: Bucket): Slice {
    const known = this.#slices.get(bucket.id)
    if (known) return known
    const slice = new Slice(bucket, this.#options.gateway)
    this.#slices.set(bucket.id, slice)
    return slice
  }
}
