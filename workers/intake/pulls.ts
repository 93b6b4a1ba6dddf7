import { setTimeout as sleep } from 'node:timers/promises'
import {
  jetstream,
  type Consumer,
  type ConsumerInfo,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { consumerOf, JOBS, type Queue } from '../../proto/subjects.ts'
import type { Link } from './link.ts'

/** Short, so that a frozen worker's pulls are soon gone: until then they eat offers. */
const PULL_MS = 1_500
const RETRY_MS = 250

/** Pulls on one queue. Each asks for one job, and whoever pulls has a free slot for it. */
export class Pulls {
  readonly #link: Link
  readonly #log: Logger
  readonly #consumer: Consumer
  readonly #open = new Set<ConsumerMessages>()
  #closed = false
  #complained = false

  constructor(link: Link, queue: Queue, log: Logger) {
    this.#link = link
    this.#log = log.child({ queue: consumerOf(queue) })
    // Workers may ask for no information about a consumer, and pulling needs none.
    this.#consumer = jetstream(link.nc).consumers.getConsumerFromInfo({
      stream_name: JOBS,
      name: consumerOf(queue),
      config: {},
    } as ConsumerInfo)
  }

  /** A message that was offered, or nothing where none came in time. Never throws. */
  async next(): Promise<JsMsg | undefined> {
    await this.#link.whenUp()
    if (this.#closed) return undefined
    try {
      const message = await this.#pull()
      if (message) this.#complained = false
      return message
    } catch (thrown) {
      if (!this.#complained)
        this.#log.debug({ err: thrown }, 'no gateway has opened this queue yet')
      this.#complained = true
      await sleep(RETRY_MS)
      return undefined
    }
  }

  /** Takes the open pulls back. */
  close(): void {
    this.#closed = true
    for (const messages of this.#open) void messages.close()
  }

  async #pull(): Promise<JsMsg | undefined> {
    // Without `bind` the client asks for information after a reconnect, which workers may not, and pulls again on its
    // own. A life that ends takes its pulls with it instead.
    const messages = await this.#consumer.fetch({ max_messages: 1, expires: PULL_MS, bind: true })
    const { life } = this.#link
    const close = (): void => void messages.close()
    this.#open.add(messages)
    life.addEventListener('abort', close, { once: true })
    try {
      for await (const message of messages) return message
    } finally {
      life.removeEventListener('abort', close)
      this.#open.delete(messages)
    }
    return undefined
  }
}
