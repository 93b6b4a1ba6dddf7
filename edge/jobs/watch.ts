import { z } from 'zod'
import { Failure } from '../../proto/failure.ts'
import { subjects } from '../../proto/subjects.ts'
import type { Desk } from './desk.ts'
import { fail } from './hear.ts'
import type { LiveJob } from './live-job.ts'
import { GONE_MS } from '../catalogue/roster.ts'
import { release } from './release.ts'

export const TICK_MS = 25
/** Our own loop stood still for longer than this: what we did not hear is not silence. */
const STALL_MS = 150
const PROGRESS_EVERY_MS = 1_500
/** A delivered job that nobody claims within this is with a frozen worker. */
const UNCLAIMED_MS = 300

/** What a gateway notices by itself, as time passes: silence, deadlines, offers that nobody claims. */
export class Watch {
  readonly #desk: Desk
  readonly #connected: () => boolean
  #lastTickMs: number
  #lastProgressMs = 0
  /** When we last could not hear anybody: beats that are missing since then prove nothing. */
  #deafAtMs = 0

  constructor(desk: Desk, connected: () => boolean, nowMs: number) {
    this.#desk = desk
    this.#connected = connected
    this.#lastTickMs = nowMs
  }

  tick(nowMs: number): void {
    const stalled = nowMs - this.#lastTickMs > STALL_MS
    this.#lastTickMs = nowMs
    const deaf = stalled || !this.#connected()
    if (deaf) this.#deafAtMs = nowMs
    const working = nowMs - this.#lastProgressMs >= PROGRESS_EVERY_MS
    if (working) this.#lastProgressMs = nowMs
    const unclaimed: LiveJob[] = []
    for (const live of this.#desk.live.values()) {
      if (live.outcome) continue
      if (nowMs >= live.job.deadlineAtMs) {
        void fail(this.#desk, live, new Failure('expired', 'The deadline of the request passed.'))
        continue
      }
      if (deaf) live.silence.excuse(nowMs)
      else if (live.holder) this.#guard(live, nowMs, working)
      else if (isUnclaimed(live, nowMs)) unclaimed.push(live)
    }
    if (unclaimed.length > 0) void this.#reoffer(unclaimed, nowMs)
  }

  #guard(live: LiveJob, nowMs: number, working: boolean): void {
    const { holder } = live
    // A holder that has nothing it may say is not silent: only its beats tell whether it is there.
    if (!live.maySpeak) live.silence.excuse(nowMs)
    else if (live.silence.over(nowMs)) release(this.#desk, live, 'silence')
    const heedful = nowMs - this.#deafAtMs > GONE_MS
    if (holder && heedful && this.#desk.isGone(holder.worker)) release(this.#desk, live, 'silence')
    if (working && live.holder && live.ack) this.#desk.nc.publish(live.ack, '+WPI')
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
        const { delivered } = await jsm.consumers.info('JOBS', consumer)
        for (const live of jobs) {
          if (live.consumer !== consumer || live.holder || live.granting || live.outcome) continue
          if (delivered.stream_seq < live.streamSeq) continue
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

const isUnclaimed = (live: LiveJob, nowMs: number): boolean =>
  !live.granting && live.streamSeq > 0 && nowMs - live.idleSinceMs > UNCLAIMED_MS

const Disconnect = z.object({ client: z.object({ id: z.int(), user: z.string() }) })

/** The server says that a worker's connection ended, 3 ms after a `kill -9`. Known by user and number, never by name. */
export function onDisconnect(desk: Desk, event: unknown): void {
  const parsed = Disconnect.safeParse(event)
  if (!parsed.success) return
  const { id, user } = parsed.data.client
  for (const live of desk.live.values())
    if (live.holder?.worker === user && live.holder.connection === id)
      release(desk, live, 'disconnect')
}
