import { setTimeout as sleep } from 'node:timers/promises'
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import type { WorkerId } from '../../proto/ids.ts'
import { consumerOf, JOBS, type Queue } from '../../proto/subjects.ts'
import type { Link } from './link.ts'

/**
 * How long a pull stays open. A frozen worker's pulls eat offers for as long as they live, so they live shorter than it
 * takes to call a worker silent: a job that is taken from it is not offered to it again.
 */
export const PULL_MS = 400
/** The server ends a pull by itself. One that it does not speak of for so much longer is given up. */
const LATE_MS = 1_000
const RETRY_MS = 250

/** The server's word that a pull came to nothing: its time is over. Any other status is trouble. */
const TIMED_OUT = 408

/**
 * Pulls on one queue, over one inbox. Each asks for one job, and whoever pulls has a free slot for it. The library's
 * `fetch` would do, but lets no pull end within a second, and subscribes anew for each.
 */
export class Pulls {
  readonly #link: Link
  readonly #log: Logger
  readonly #subject: string
  readonly #inbox: string
  readonly #answers: Subscription
  /** Every pull is as good as another, so an answer is for the oldest: an offer names its job, not its pull. */
  readonly #open = new Set<(answer?: Msg) => void>()
  #closed = false
  #complained = false

  constructor(link: Link, worker: WorkerId, queue: Queue, log: Logger) {
    const consumer = consumerOf(queue)
    this.#link = link
    this.#log = log.child({ queue: consumer })
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${JOBS}.${consumer}`
    this.#inbox = createInbox(`_INBOX.${worker}`)
    this.#answers = link.nc.subscribe(this.#inbox, {
      callback: (error, answer) => {
        const [oldest] = this.#open
        // One that comes for a pull that is over is dropped. What was offered is offered again: nobody claims it.
        if (!error) oldest?.(answer)
      },
    })
  }

  /** A message that was offered, or nothing where none came in time. Never throws. */
  async next(): Promise<Msg | undefined> {
    await this.#link.whenUp()
    if (this.#closed) return undefined
    const answer = await this.#pull()
    const status = answer ? statusOf(answer) : TIMED_OUT
    if (status === 0) {
      this.#complained = false
      return answer
    }
    if (status === TIMED_OUT || this.#closed) return undefined
    // Nobody has made this queue yet, or it is being made anew.
    if (!this.#complained) this.#log.debug({ status }, 'a pull was refused')
    this.#complained = true
    await sleep(RETRY_MS)
    return undefined
  }

  /** Takes the open pulls back: the server offers nothing to an inbox that nobody hears. */
  close(): void {
    this.#closed = true
    this.#answers.unsubscribe()
    for (const end of this.#open) end()
  }

  async #pull(): Promise<Msg | undefined> {
    const { nc, life } = this.#link
    const { promise, resolve } = Promise.withResolvers<Msg | undefined>()
    const end = (answer?: Msg): void => {
      clearTimeout(late)
      life.removeEventListener('abort', lost)
      this.#open.delete(end)
      resolve(answer)
    }
    const lost = (): void => end()
    const late = setTimeout(lost, PULL_MS + LATE_MS)
    life.addEventListener('abort', lost, { once: true })
    this.#open.add(end)
    try {
      const asked = { batch: 1, expires: nanos(PULL_MS) }
      nc.publish(this.#subject, JSON.stringify(asked), { reply: this.#inbox })
    } catch {
      // The connection was closed for good.
      end()
    }
    return promise
  }
}

/** 0 for a message of the stream, whatever is in it. */
function statusOf({ headers }: Msg): number {
  try {
    return headers?.code ?? 0
  } catch {
    return Number.NaN
  }
}
