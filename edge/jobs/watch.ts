import { GONE_MS } from '../catalogue/roster.ts'
import { Failure } from '../../proto/failure.ts'
import { JOBS, subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { fail } from './conclude.ts'
import { cancel, endsWithReader } from './leave.ts'
import type { LiveJob } from './live-job.ts'
import { raiseCredit } from './credit.ts'
import { bury, isPoison, offerAgain, release } from './release.ts'

export const TICK_MS = 25
/** Our own loop stood still for longer than this: what we did not hear meanwhile is not silence. */
const STALL_MS = 150
const PROGRESS_EVERY_MS = 1_500
/** A delivered job that nobody claims within this is with a frozen worker. */
const UNCLAIMED_MS = 300
/** An adopted answer that ends with its reader waits this long for that, or for its gateway to wake up and ask. */
const UNATTENDED_MS = 10_000
/** A worker whose connection ended and that lives is heard of again within this: it beats five times a second. */
const TAKEN_BACK_MS = 1_000

/** What a gateway notices by itself, as time passes: silence, deadlines, offers that nobody claims, poison. */
export class Watch {
  readonly #desk: Desk
  readonly #connected: () => boolean
  readonly #onStall: (ms: number) => void
  #lastTickMs: number
  #lastProgressMs = 0
  /** When we last could not hear anybody: beats that are missing since then prove nothing. */
  #deafAtMs = 0

  constructor(
    desk: Desk,
    {
      connected,
      onStall,
      nowMs,
    }: { connected: () => boolean; onStall: (ms: number) => void; nowMs: number },
  ) {
    this.#desk = desk
    this.#onStall = onStall
    this.#connected = connected
    this.#lastTickMs = nowMs
  }

  /** `nowMs` goes only forward. One job's trouble is logged, and is not the others'. */
  tick(nowMs: number): void {
    const sinceMs = nowMs - this.#lastTickMs
    this.#lastTickMs = nowMs
    const stalledMs = sinceMs > STALL_MS ? sinceMs : 0
    const connected = this.#connected()
    if (stalledMs > 0 || !connected) this.#deafAtMs = nowMs
    this.#onStall(stalledMs)
    if (connected && this.#desk.pulse.takeDoubt(nowMs)) this.#desk.doubt()
    this.#desk.pulse.ticked(nowMs)
    const working = nowMs - this.#lastProgressMs >= PROGRESS_EVERY_MS
    if (working) this.#lastProgressMs = nowMs
    const unclaimed: LiveJob[] = []
    for (const live of this.#desk.live.values()) {
      try {
        if (live.doubtful) continue
        if (working && live.holder && live.ack) {
          this.#desk.nc.publish(live.ack, '+WPI')
          this.#desk.lines.count(live)
        }
        live.silence.forgive(stalledMs)
        if (!connected) live.silence.excuse(nowMs)
        if (this.#look(live, nowMs, connected)) unclaimed.push(live)
      } catch (cause) {
        this.#desk.log.error({ job: live.job.id, cause }, 'a job could not be watched')
      }
    }
    if (unclaimed.length > 0) void this.#reoffer(unclaimed, nowMs)
  }

  /** Whether the job waits for somebody to claim it, and has for too long. */
  #look(live: LiveJob, nowMs: number, connected: boolean): boolean {
    if (live.outcome) return false
    if (Date.now() >= live.job.deadlineAtMs) {
      void fail(this.#desk, live, new Failure('expired', 'The deadline of the request passed.'))
      return false
    }
    if (!connected) return false
    if (isForsaken(live, nowMs)) {
      void cancel(this.#desk, live)
      return false
    }
    if (live.purse && live.next >= live.credit) raiseCredit(this.#desk, live)
    if (live.suspectSinceMs !== undefined) this.#judge(live, live.suspectSinceMs, nowMs)
    else if (live.holder) this.#guard(live, nowMs)
    else return isUnclaimed(live, nowMs)
    return false
  }

  #guard(live: LiveJob, nowMs: number): void {
    const { holder } = live
    // A holder that has nothing it may say is not silent: only its beats tell whether it is there.
    if (!live.maySpeak) live.silence.excuse(nowMs)
    else if (live.silence.over(nowMs)) release(this.#desk, live, 'silence')
    const heedful = nowMs - this.#deafAtMs > GONE_MS
    if (holder && heedful && this.#desk.isGone(holder.worker)) release(this.#desk, live, 'silence')
  }

  #judge(live: LiveJob, sinceMs: number, nowMs: number): void {
    if (!isPoison(live)) {
      live.suspectSinceMs = undefined
      offerAgain(this.#desk, live)
    } else if (nowMs - sinceMs > TAKEN_BACK_MS) void bury(this.#desk, live)
  }

  /**
   * A frozen worker keeps its open pulls and eats what is offered to it. The gateway knows where the job lies, so it
   * can give back a delivery that it never saw; one that is still in the queue is left there.
   */
  async #reoffer(jobs: readonly LiveJob[], nowMs: number): Promise<void> {
    const { jsm, nc, counts, log } = this.#desk
    for (const live of jobs) live.idleSinceMs = nowMs
    for (const consumer of new Set(jobs.map((live) => live.consumer))) {
      try {
        const { delivered } = await jsm.consumers.info(JOBS, consumer)
        for (const live of jobs) {
          if (live.consumer !== consumer || !isFree(live) || delivered.stream_seq < live.streamSeq)
            continue
          counts.reoffered++
          const ack = subjects.unseenAck(consumer, live.streamSeq, delivered.consumer_seq)
          nc.publish(live.ack ?? ack, '-NAK')
        }
      } catch (cause) {
        log.warn({ consumer, cause }, 'an unclaimed job could not be offered again yet')
      }
    }
  }
}

/** One of our own ends when its reader leaves; but of a reader elsewhere we hear only that it does not ask any more. */
const isForsaken = (live: LiveJob, nowMs: number): boolean =>
  (live.adopted || live.job.reading.endsWithReader === true) &&
  endsWithReader(live.job.reading) &&
  !live.attended &&
  nowMs - live.unattendedSinceMs > UNATTENDED_MS

/** Whether it waits for somebody to claim it. */
export const isFree = (live: LiveJob): boolean =>
  !live.holder && !live.granting && !live.outcome && live.suspectSinceMs === undefined

const isUnclaimed = (live: LiveJob, nowMs: number): boolean =>
  isFree(live) && live.streamSeq > 0 && nowMs - live.idleSinceMs > UNCLAIMED_MS
