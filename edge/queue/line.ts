import { Failure } from '../../proto/failure.ts'
import type { Priority } from '../../proto/job.ts'
import type { Queued } from '../ports.ts'
import { FairQueue, type Place } from './fair-queue.ts'
import { ServiceRate } from './service-rate.ts'

/** More waiting jobs than this for one queue, and the caller is told to come back. */
export const MAX_WAITING = 2_048
const MAX_WAITING_BYTES = 256 * 1024 * 1024
/**
 * A tenant may have this many times as many jobs waiting as there is room left (Choudhury and Hahne's dynamic threshold):
 * one alone fills three quarters, and whoever comes then still finds room.
 */
const SHARE_OF_ROOM = 3
/** Until there is a measure. */
const RETRY_AFTER_MS = 5_000
/** OpenAI's clients follow no longer advice. */
const MAX_RETRY_AFTER_MS = 60_000
/** Who is refused is told to come back when so much of the queue has gone. */
const PART_TO_GO = 1 / 8

/** A slot may stand empty for this part of its time, to leave the choice of the next job open until then. */
const IDLE_PART = 0.03
const QUIET_MS = 2_000

/** One job's way through a line. */
export interface Seat<T> {
  readonly value: T
  readonly place: Place<Seat<T>>
  stage: 'waiting' | 'offered' | 'held' | 'over'
  readonly bytes: number
  readonly enteredAtMs: number
  /** What its caller was told; nothing where it did not have to wait. */
  queued: Queued | undefined
}

export interface Comer {
  tenant: string
  priority: Priority
  cost: number
  bytes: number
  /** Until its deadline. */
  leftMs: number
}

/**
 * The jobs of one queue at one gateway: those that wait in its memory, in fair order; those that were offered, which means
 * that they lie in JOBS, first come first served; and those that a worker holds. Offered are only as many as free slots are about
 * to take: what waits in memory can still be overtaken, and its cancelling costs nothing. Time comes in as an argument.
 */
export class Line<T> {
  readonly fair = new FairQueue<Seat<T>>()
  readonly #rate = new ServiceRate()
  #waitingBytes = 0
  offered = 0
  held = 0
  /** Of all workers there are for this queue, and the gateways that share them. */
  slots = 0
  gateways = 1
  /** From the decision to offer a job until it lies in JOBS, as measured. */
  offeringMs = 0

  /** Offered jobs at most: one for each slot of our share that is free, and what is taken while the next is on its way. */
  windowAt(nowMs: number): number {
    return Math.max(0, this.#share - this.held) + this.#ahead(nowMs)
  }

  /** Begins at once where nobody waits and there is room, else waits. Throws where it would wait in vain. */
  enter(value: T, comer: Comer, nowMs: number): Seat<T> {
    if (this.fair.size === 0 && this.offered < this.windowAt(nowMs)) {
      this.offered++
      return this.#seat(value, comer, { nowMs, stage: 'offered' })
    }
    this.#refuseIfFull(comer, nowMs)
    const seat = this.wait(value, comer, nowMs)
    const ahead = this.fair.aheadOfLast(comer.tenant, comer.priority)
    const etaMs = this.#etaMs(ahead, nowMs)
    if (etaMs !== undefined && etaMs > comer.leftMs) {
      this.leave(seat, nowMs)
      throw new Failure(
        'expired',
        `The request would begin in about ${Math.ceil(etaMs / 1000)} s, after its deadline. Try again later, or allow more time.`,
        { retryAfterMs: clamped(etaMs - comer.leftMs) },
      )
    }
    seat.queued = { position: ahead, etaMs }
    return seat
  }

  /** Waits, however full it is: it was accepted before. */
  wait(value: T, comer: Comer, nowMs: number): Seat<T> {
    this.#rate.waits(nowMs)
    this.#waitingBytes += comer.bytes
    return this.#seat(value, comer, { nowMs, stage: 'waiting' })
  }

  /** One that came from another gateway as it was. */
  join(value: T, comer: Comer, nowMs: number, stage: 'offered' | 'held'): Seat<T> {
    this[stage]++
    return this.#seat(value, comer, { nowMs, stage })
  }

  /** The next to be offered, where there is room. */
  next(nowMs: number): Seat<T> | undefined {
    if (this.fair.size === 0 || this.offered >= this.windowAt(nowMs)) return undefined
    const seat = this.fair.take()?.value
    if (!seat) return undefined
    seat.stage = 'offered'
    this.offered++
    this.#waitsNoLonger(seat)
    return seat
  }

  claimed(seat: Seat<T>): void {
    if (seat.stage !== 'offered') return
    seat.stage = 'held'
    this.offered--
    this.held++
  }

  /** Its holder lost it, and it is offered again. */
  returned(seat: Seat<T>): void {
    if (seat.stage !== 'held') return
    seat.stage = 'offered'
    this.held--
    this.offered++
  }

  leave(seat: Seat<T>, nowMs: number): void {
    const { stage } = seat
    if (stage === 'over') return
    seat.stage = 'over'
    this.fair.leave(seat.place)
    if (stage === 'waiting') {
      this.#waitsNoLonger(seat)
      return
    }
    this[stage]--
    if (stage === 'held') this.#rate.freed(nowMs)
  }

  /** From one end to the next while somebody waits, as measured. */
  intervalMs(nowMs: number): number | undefined {
    return this.#rate.intervalMs(nowMs, this.#share)
  }

  /** Our part of the slots, while the other gateways take theirs. */
  get #share(): number {
    return Math.ceil(this.slots / this.gateways)
  }

  #seat(
    value: T,
    { tenant, priority, cost, bytes }: Comer,
    { nowMs, stage }: { nowMs: number; stage: 'waiting' | 'offered' | 'held' },
  ): Seat<T> {
    const seat = { value, stage, bytes, enteredAtMs: nowMs, queued: undefined } as {
      -readonly [K in keyof Seat<T>]: Seat<T>[K]
    }
    const job = { tenant, priority, cost }
    seat.place = stage === 'waiting' ? this.fair.put(seat, job) : this.fair.pass(seat, job)
    return seat
  }

  #waitsNoLonger(seat: Seat<T>): void {
    this.#waitingBytes -= seat.bytes
    if (this.fair.size === 0) this.#rate.rests()
  }

  /**
   * So many slots come free while a job is on its way to JOBS: those that would stand empty otherwise. None where that is
   * next to nothing: then whoever comes to a full house is passed by nobody. Where other gateways share the slots, or no job
   * ended for long, what we know of free slots is no reason to hold back.
   */
  #ahead(nowMs: number): number {
    const share = this.#share
    const intervalMs = this.intervalMs(nowMs)
    if (!intervalMs) return 1
    const idle = this.offeringMs / (intervalMs * share)
    if (this.gateways === 1 && idle < IDLE_PART && this.#rate.quietMs(nowMs) < QUIET_MS) return 0
    // A claim is written as well before one that was offered is not.
    const onTheirWay = Math.ceil((2 * this.offeringMs) / intervalMs)
    return Math.max(1, Math.min(onTheirWay, Math.ceil(share / 2)))
  }

  /** Until a worker takes the job that has so many ahead. */
  #etaMs(ahead: number, nowMs: number): number | undefined {
    const intervalMs = this.intervalMs(nowMs)
    if (intervalMs === undefined) return undefined
    const free = Math.max(0, this.#share - this.held)
    return Math.round(Math.max(0, ahead + this.offered + 1 - free) * intervalMs)
  }

  #refuseIfFull({ tenant, bytes }: Comer, nowMs: number): void {
    const waiting = this.fair.size
    const retryAfterMs = this.#retryAfterMs(nowMs)
    if (waiting >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES)
      throw new Failure('overloaded', `${waiting} requests wait for this model. Try again later.`, {
        retryAfterMs,
      })
    const own = this.fair.waitingOf(tenant)
    if (own >= SHARE_OF_ROOM * (MAX_WAITING - waiting))
      throw new Failure(
        'overloaded',
        `${own} requests of your project wait for this model, and the rest of the queue is for others. Try again later.`,
        { retryAfterMs },
      )
  }

  #retryAfterMs(nowMs: number): number {
    const intervalMs = this.intervalMs(nowMs)
    if (intervalMs === undefined) return RETRY_AFTER_MS
    return clamped(intervalMs * this.fair.size * PART_TO_GO)
  }
}

const clamped = (ms: number): number =>
  Math.min(MAX_RETRY_AFTER_MS, Math.max(1_000, Math.round(ms)))
