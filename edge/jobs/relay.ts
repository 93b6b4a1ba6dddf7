import type { Msg } from '@nats-io/nats-core'
import { JobId } from '../../proto/ids.ts'
import { ReadRequest, type ReadSignal } from '../../proto/read.ts'
import { partOf } from '../../proto/subjects.ts'
import { monotonicMs } from '../clock.ts'
import type { Desk } from './desk.ts'
import { RENEW_MS } from './follow.ts'
import { runOn } from './credit.ts'
import { headOf } from './keep-answer.ts'
import { cancel } from './leave.ts'
import type { LiveJob } from './live-job.ts'
import { isFrames, startingAt, type Source } from './reading.ts'

/** A reader that was not heard of for this long is not there any more. */
const LEASE_MS = 5 * RENEW_MS

/** Serves the answers of our jobs to the readers of other gateways. */
export class Relay {
  readonly #desk: Desk
  /** By reader: the end of its lease, and what ends it. */
  readonly #readers = new Map<string, { untilMs: number; stop: () => void }>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Every gateway hears every request: one that does not have the job says nothing. */
  heard(msg: Msg): void {
    const id = JobId.parse(partOf(msg.subject, 1))
    const live = this.#desk.live.get(id)
    if (!live || live.doubtful || !msg.reply) return
    const request = ReadRequest.parse(msg.json())
    const say = (signal: ReadSignal): void => void msg.respond(JSON.stringify(signal))
    if (request.tenant !== live.job.tenant) {
      say({ type: 'refused', code: 'not_found', next: 0 })
      return
    }
    if (request.what === 'leave') {
      this.#readers.get(`${id} ${request.reader}`)?.stop()
      return
    }
    if (request.what === 'cancel') {
      if (live.outcome) say({ type: 'refused', code: 'not_found', next: 0 })
      else void cancel(this.#desk, live).then(() => say({ type: 'over', failure: null }))
      return
    }
    const next = live.next
    if (!live.resumable) say({ type: 'refused', code: 'not_resumable', next })
    else if (request.after > next && !live.adopted) say({ type: 'refused', code: 'ahead', next })
    else this.#serve(live, request, msg, say)
  }

  /** Readers whose gateway says nothing any more are forgotten. */
  sweep(nowMs: number): void {
    for (const { untilMs, stop } of this.#readers.values()) if (nowMs > untilMs) stop()
  }

  #serve(
    live: LiveJob,
    { reader, after, restart }: Extract<ReadRequest, { what: 'read' }>,
    msg: Msg,
    say: (signal: ReadSignal) => void,
  ): void {
    const key = `${live.job.id} ${reader}`
    const known = this.#readers.get(key)
    say({ type: 'here', gateway: this.#desk.gateway, head: headOf(live.job) })
    if (known && !restart) {
      known.untilMs = monotonicMs() + LEASE_MS
      return
    }
    known?.stop()
    let stopped = false
    live.remoteReaders++
    if (!live.outcome) runOn(this.#desk, live)
    const stop = (): void => {
      if (stopped) return
      stopped = true
      live.remoteReaders--
      live.unattendedSinceMs = monotonicMs()
      this.#readers.delete(key)
    }
    this.#readers.set(key, { untilMs: monotonicMs() + LEASE_MS, stop })
    const source = startingAt({ take: live.tape.read().take, leave: stop }, after)
    const push = (frame: Uint8Array): void => void msg.respond(frame)
    this.#pump(source, { push, say, isStopped: () => stopped }).catch((cause: unknown) => {
      this.#desk.log.warn({ job: live.job.id, cause }, 'a reader elsewhere could not be served')
    })
  }

  /** It is sent as it comes: what another gateway holds of one answer is bounded by the answer. */
  async #pump(
    source: Source,
    to: {
      push: (frame: Uint8Array) => void
      say: (signal: ReadSignal) => void
      isStopped: () => boolean
    },
  ): Promise<void> {
    for (;;) {
      const took = await source.take()
      if (to.isStopped()) return
      if (isFrames(took)) {
        for (const frame of took) to.push(frame)
        continue
      }
      source.leave()
      to.say(
        took.moved ? { type: 'moved' } : { type: 'over', failure: took.failure?.toJSON() ?? null },
      )
      return
    }
  }
}
