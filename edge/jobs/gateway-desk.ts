import { jetstreamManager } from '@nats-io/jetstream'
import { createInbox, type NatsConnection } from '@nats-io/nats-core'
import { BEAT_MS } from '../../proto/beat.ts'
import { Failure } from '../../proto/failure.ts'
import type { GatewayId, JobId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { QueueList } from '../../proto/queues.ts'
import { subjects, type Queue } from '../../proto/subjects.ts'
import type { BudgetStore } from '../budget/store.ts'
import { Treasury } from '../budget/treasury.ts'
import { Inventory } from '../catalogue/inventory.ts'
import { Roster } from '../catalogue/roster.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type {
  Answer,
  Answers,
  AskOptions,
  Catalogue,
  Limiter,
  Lineup,
  Log,
  OnceKey,
  Resumed,
  ResumeOptions,
  Served,
} from '../ports.ts'
import { admit, offer } from './admit.ts'
import { readFrom } from './answer.ts'
import { Afterwards } from './afterwards.ts'
import { Bookkeeper } from './bookkeeper.ts'
import { newCounts } from './counts.ts'
import type { Desk } from './desk.ts'
import { cancelAnywhere } from './cancel-anywhere.ts'
import { findAnswer } from './find-answer.ts'
import type { Found } from './finding.ts'
import { Gateways } from './gateways.ts'
import { headOf } from './keep-answer.ts'
import { endsWithReader } from './leave.ts'
import { reserve } from './once.ts'
import { Lines } from './lines.ts'
import { Listening } from './listening.ts'
import { Pulse } from './pulse.ts'
import { Queues } from './queues.ts'
import { recall } from './recall.ts'
import { reread } from './reread.ts'
import { StreamStore } from './store.ts'

/** Beats come five times a second: a model that was not heard of in this time is not there. */
const FIRST_BEATS_MS = 1_500
/** A queue without a worker is given this long to get one back. */
const NO_WORKER_MS = 30_000

export interface DeskOptions {
  nc: NatsConnection
  /** Replies must come under the one prefix that the user may hear. */
  inboxPrefix: string | undefined
  gateway: GatewayId
  log: Log
  /** Makes sure that workers can pull from a queue. */
  ensureQueue: (queue: Queue) => Promise<void>
  /** Makes sure that the streams are there: a broker may come back without its files. */
  ensureStreams: () => Promise<void>
  fenced?: boolean
  /** Told of the end of each job that was asked for as `limited`. */
  ended?: Limiter['end']
  /** Prices and budgets, where there are any. */
  budgets?: BudgetStore
}

/** One gateway's half of the job protocol, over one connection to the broker. */
export class GatewayDesk implements Answers, Catalogue, Lineup, AsyncDisposable {
  readonly desk: Desk
  readonly roster: Roster
  readonly #listening: Listening
  readonly #bookkeeper: Bookkeeper | undefined
  readonly #openedAtMs = monotonicMs()

  private constructor(
    desk: Desk,
    roster: Roster,
    listening: Listening,
    bookkeeper: Bookkeeper | undefined,
  ) {
    this.#bookkeeper = bookkeeper
    this.desk = desk
    this.roster = roster
    this.#listening = listening
  }

  static async open({
    nc,
    gateway,
    log,
    ensureQueue,
    ensureStreams,
    inboxPrefix,
    fenced = true,
    ended = () => {},
    budgets,
  }: DeskOptions): Promise<GatewayDesk> {
    const gateways = new Gateways(gateway, monotonicMs())
    const roster = new Roster()
    const jsm = await jetstreamManager(nc)
    const queues = new Queues(jsm, ensureQueue, log)
    const lines = new Lines({
      slots: (queue) => roster.slots(queue, monotonicMs()),
      gateways: () => gateways.alive,
      connected: () => listening.connected,
      offer: (waiting) => void offer(desk, waiting),
    })
    const treasury =
      budgets &&
      new Treasury({
        store: budgets,
        gateway,
        log,
        want: (budget) => nc.publish(subjects.budgetWanted(budget)),
      })
    const desk: Desk = {
      gateway,
      nc,
      store: new StreamStore(nc, inboxPrefix),
      jsm,
      live: new Map(),
      counts: newCounts(),
      lines,
      afterwards: new Afterwards(),
      pulse: new Pulse(),
      treasury,
      doubt: () => void reread(desk),
      goneListeners: new Set(),
      log,
      fenced,
      ended,
      ensureQueue: (queue) => queues.ensure(queue),
      stepMs: (worker, queue) => roster.stepMs(worker, queue),
      isGone: (worker) => roster.isGone(worker, monotonicMs()),
      isSecond: (worker, nonce) => roster.isSecond(worker, nonce, monotonicMs()),
      isLeaving: (worker) => roster.isLeaving(worker),
      isAlive: (other) => gateways.isAlive(other, monotonicMs()),
      gateways: () => gateways.alive,
      gatewayLeftLately: () => gateways.leftLately(monotonicMs()),
      newInbox: () => createInbox(inboxPrefix),
      find: (id, ask) => findAnswer(desk, id, ask),
    }
    const inventory = await Inventory.open(nc, log, (offerings, ageMs) => {
      roster.recall(offerings, monotonicMs() - ageMs)
    })
    const listening = new Listening(desk, { roster, gateways, queues, inventory, ensureStreams })
    const bookkeeper =
      budgets &&
      treasury &&
      new Bookkeeper({ desk, treasury, store: budgets, rank: () => gateways.rank() })
    const opened = new GatewayDesk(desk, roster, listening, bookkeeper)
    await nc.flush()
    return opened
  }

  gateway(): Promise<GatewayId> {
    return Promise.resolve(this.desk.gateway)
  }

  /** Whether the broker is there and takes what it is given. */
  get connected(): boolean {
    return this.#listening.connected && !this.desk.store.refusing
  }

  /** Jobs that end with this gateway: those that may be resumed go on at another. */
  get unfinished(): number {
    let count = 0
    for (const { job } of this.desk.live.values()) if (endsWithReader(job.reading)) count++
    return count
  }

  async ask(job: Job, options: AskOptions): Promise<Answer> {
    const known = this.roster.find(job.model, monotonicMs())
    if (!known) throw unknownModel(job.model)
    if (!this.#listening.connected)
      throw new Failure('unavailable', 'The broker is away. Try again in a moment.', {
        retryAfterMs: 1_000,
      })
    if (monotonicMs() - known.seenAtMs > NO_WORKER_MS) throw noWorker()
    return admit(this.desk, job, known.queue, options)
  }

  async askOnce(job: Job, key: OnceKey, options: AskOptions): Promise<Resumed> {
    const reserved = await reserve(this.desk, job, key, options.signal)
    if (!reserved.ours)
      return this.#reading(reserved.found.head.id, reserved.found, {
        ...options,
        tenant: job.tenant,
        after: 0,
      })
    try {
      return { head: headOf(job), answer: await this.ask(job, options), stored: false }
    } catch (thrown) {
      await reserved.giveUp()
      throw thrown
    }
  }

  recall(job: Job): Promise<Answer | undefined> {
    return recall(this.desk, job)
  }

  async resume(id: JobId, options: ResumeOptions): Promise<Resumed> {
    const found = await findAnswer(this.desk, id, options)
    if (options.after === 0 || !found.head.reading.marks) return this.#reading(id, found, options)
    // What its tokens are follows from all before them: it is read anew, and only the rest of it is told.
    found.source.leave()
    const whole = { ...options, after: 0 }
    return this.#reading(id, await findAnswer(this.desk, id, whole), whole)
  }

  cancel(id: JobId, tenant: string): Promise<void> {
    return cancelAnywhere(this.desk, id, tenant)
  }

  #reading(id: JobId, { head, source, stored }: Found, ask: ResumeOptions): Resumed {
    return { head, answer: readFrom(this.desk, id, source, ask), stored }
  }

  async find(model: string): Promise<Served | undefined> {
    for (;;) {
      const known = this.roster.find(model, monotonicMs())
      const heard = known !== undefined && known.seenAtMs >= this.#openedAtMs
      // Just started: the workers' first beats are on their way, whatever the inventory remembers.
      if (heard || monotonicMs() - this.#openedAtMs > FIRST_BEATS_MS) return known?.served
      await sleep(BEAT_MS / 4)
    }
  }

  list(): Promise<readonly Served[]> {
    return Promise.resolve(this.roster.models(monotonicMs()))
  }

  queues(): Promise<QueueList> {
    const { gateway, lines } = this.desk
    return Promise.resolve({ gateway, data: [...lines.views(monotonicMs())] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.desk.afterwards[Symbol.dispose]()
    this.#bookkeeper?.[Symbol.dispose]()
    await this.desk.treasury?.[Symbol.asyncDispose]()
    await this.#listening.end()
    this.desk.store[Symbol.dispose]()
    const gone = new Failure('unavailable', 'The gateway lost its broker. Send the request again.')
    for (const live of this.desk.live.values()) live.tape.close({ failure: gone })
    await this.desk.nc.close()
  }
}

const noWorker = (): Failure =>
  new Failure('overloaded', 'No worker serves this model at the moment. Try again later.', {
    retryAfterMs: 10_000,
  })
