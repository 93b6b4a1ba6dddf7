import type { JetStreamManager } from '@nats-io/jetstream'
import { consumerOf, type Queue } from '../../proto/subjects.ts'
import type { Log } from '../ports.ts'
import { removeIfAhead } from './mend-queue.ts'

/** Workers say which queues there are: one that lies makes no more of them than this. */
const MAX_QUEUES = 256

/** The queues that were made ready to be pulled from, each once until somebody says that they may be gone. */
export class Queues {
  readonly #jsm: JetStreamManager
  readonly #make: (queue: Queue) => Promise<void>
  readonly #log: Log
  readonly #ready = new Map<string, { queue: Queue; made: Promise<void> }>()

  constructor(jsm: JetStreamManager, make: (queue: Queue) => Promise<void>, log: Log) {
    this.#jsm = jsm
    this.#make = make
    this.#log = log
  }

  get full(): boolean {
    return this.#ready.size >= MAX_QUEUES
  }

  ensure(queue: Queue): Promise<void> {
    const name = consumerOf(queue)
    const known = this.#ready.get(name)
    if (known) return known.made
    const made = this.#make(queue)
      .then(() => removeIfAhead(this.#jsm, name))
      .then((removed) => (removed ? this.#make(queue) : undefined))
    this.#ready.set(name, { queue, made })
    made.catch((cause: unknown) => {
      this.#ready.delete(name)
      this.#log.warn({ consumer: name, cause }, 'a queue could not be made ready')
    })
    return made
  }

  /** The same, whatever was made before: a consumer may have gone since. */
  remake(queue: Queue): Promise<void> {
    return this.#make(queue)
  }

  /** A broker that lost its files has no queues: they are made again when next needed. */
  forget(): void {
    this.#ready.clear()
  }
}
