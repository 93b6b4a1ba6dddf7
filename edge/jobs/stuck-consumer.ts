import {
  JetStreamApiError,
  type ConsumerAPI,
  type ConsumerInfo,
  type StreamAPI,
} from '@nats-io/jetstream'
import { consumerOf, JOBS, subjects, type Queue } from '../../proto/subjects.ts'
import type { Log } from '../ports.ts'

export const LOOK_MS = 2_000
/** Gateways that looked in step would act in step: each look comes up to so much later, by chance. */
const SPREAD_MS = 500
/**
 * Looks in a row that must find the same before a consumer is called stuck: at least four seconds of it. One can meet a
 * healthy consumer between a message and its delivery, two a server that waits for its disk. What is healthy moves
 * within these seconds, for an offer that nobody takes is given back after 300 ms and offered again: see watch.ts.
 */
export const LOOKS = 3
/** Where a new consumer is stuck as well, something else is wrong: every next try waits twice as long, at most this. */
const MOST_LOOKS = 60

export interface StuckConsumerParts {
  jsm: { consumers: Pick<ConsumerAPI, 'info' | 'delete'>; streams: Pick<StreamAPI, 'info'> }
  /** Makes the durable consumer of a queue, or brings it to its shape. Asked every time: what it did once may be undone. */
  ensureQueue: (queue: Queue) => Promise<void>
  log: Log
  /** Told of every consumer that was made anew. */
  recreated: () => void
}

/** What is remembered of a consumer from one look to the next. */
class Seen {
  /** Its birth and how far it had delivered: the same again means that nothing moved. */
  mark = ''
  looks = 0
  patience = LOOKS
  nextLookMs = Number.NEGATIVE_INFINITY
  looking = false
}

/**
 * Finds consumers that deliver nothing although jobs lie in JOBS and workers pull for them (nats-server#7680: no error
 * says so, and it does not pass), and makes them anew. What such a consumer had offered is offered again, and claims
 * refuse what is held: one that was removed for nothing costs some offers and no job.
 */
export class StuckConsumers {
  readonly #parts: StuckConsumerParts
  readonly #seen = new Map<string, Seen>()

  constructor(parts: StuckConsumerParts) {
    this.#parts = parts
  }

  /**
   * Looks at the queues in which jobs of this gateway wait for a worker; at each at most every two seconds, however
   * often it is called. Never rejects. `nowMs` goes only forward.
   */
  async look(waiting: Iterable<Queue>, nowMs: number): Promise<void> {
    const queues = new Map(Array.from(waiting, (queue) => [consumerOf(queue), queue] as const))
    // Where nobody waits any more, what was seen says nothing about the next time.
    for (const [consumer, { looking }] of this.#seen)
      if (!looking && !queues.has(consumer)) this.#seen.delete(consumer)
    await Promise.all(
      Array.from(queues, ([consumer, queue]) => this.#lookAt(consumer, queue, nowMs)),
    )
  }

  async #lookAt(consumer: string, queue: Queue, nowMs: number): Promise<void> {
    const seen = this.#seen.get(consumer) ?? new Seen()
    this.#seen.set(consumer, seen)
    if (seen.looking || nowMs < seen.nextLookMs) return
    seen.looking = true
    seen.nextLookMs = nowMs + LOOK_MS + Math.random() * SPREAD_MS
    try {
      const info = await this.#info(consumer)
      // A gateway may have died between removing it and making it anew.
      if (!info)
        return await this.#make(queue, 'a consumer was gone: it is made again', { consumer })
      if (!(await this.#seemsStuck(info, queue, seen))) return
      seen.looks = 0
      seen.patience = Math.min(2 * seen.patience, MOST_LOOKS)
      await this.#renew(consumer, queue, seen.mark)
    } catch (cause) {
      // A broker that does not answer is no stuck consumer.
      seen.looks = 0
      this.#parts.log.warn({ consumer, cause }, 'a consumer could not be looked at')
    } finally {
      seen.looking = false
    }
  }

  /** Whether this look is the last of enough that found it idle where it should deliver. */
  async #seemsStuck(info: ConsumerInfo, queue: Queue, seen: Seen): Promise<boolean> {
    const mark = markOf(info)
    const moved = mark !== seen.mark
    seen.mark = mark
    if (moved && info.delivered.consumer_seq > 0) seen.patience = LOOKS
    const idles = await this.#idles(info, queue)
    seen.looks = idles ? (moved ? 1 : seen.looks + 1) : 0
    return seen.looks >= seen.patience
  }

  /** Whether it has both something to give and somebody to give it to, and nothing that would forbid it. */
  async #idles(info: ConsumerInfo, queue: Queue): Promise<boolean> {
    const { num_waiting, num_pending, num_ack_pending, config, paused } = info
    // Somebody paused it on purpose; or all slots are busy; or as many are computed as may be at once.
    if (paused || num_waiting === 0) return false
    const most = config.max_ack_pending ?? 0
    if (most > 0 && num_ack_pending >= most) return false
    // Its own count may be what is wrong with it: then the stream holds more than it knows of.
    return num_pending > 0 || (await this.#stored(queue)) > num_ack_pending
  }

  async #renew(consumer: string, queue: Queue, mark: string): Promise<void> {
    const info = await this.#info(consumer)
    // It moved after all; or another gateway was faster, and this one is new, or about to be made.
    if (!info || markOf(info) !== mark) return
    await this.#parts.jsm.consumers.delete(JOBS, consumer).catch(unlessMissing)
    const { num_pending, num_waiting, num_ack_pending, delivered, created } = info
    const figures = { consumer, num_pending, num_waiting, num_ack_pending, delivered, created }
    const why = 'a consumer delivered nothing although jobs and pulls wait: it is made anew'
    await this.#make(queue, why, figures)
  }

  async #make(queue: Queue, why: string, figures: object): Promise<void> {
    this.#parts.log.warn(figures, why)
    await this.#parts.ensureQueue(queue)
    this.#parts.recreated()
  }

  async #info(consumer: string): Promise<ConsumerInfo | undefined> {
    return this.#parts.jsm.consumers.info(JOBS, consumer).catch(unlessMissing)
  }

  async #stored(queue: Queue): Promise<number> {
    const subject = subjects.job(queue)
    const { state } = await this.#parts.jsm.streams.info(JOBS, { subjects_filter: subject })
    return state.subjects?.[subject] ?? 0
  }
}

/** A code of the server's `errors.json`. */
const CONSUMER_NOT_FOUND = 10_014

const markOf = ({ created, delivered }: ConsumerInfo): string =>
  `${created} ${delivered.consumer_seq} ${delivered.stream_seq}`

function unlessMissing(thrown: unknown): undefined {
  if (thrown instanceof JetStreamApiError && thrown.code === CONSUMER_NOT_FOUND) return
  throw thrown
}
