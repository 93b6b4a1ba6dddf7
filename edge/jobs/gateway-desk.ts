import { jetstreamManager } from '@nats-io/jetstream'
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core'
import { Beat, BEAT_MS } from '../../proto/beat.ts'
import { Failure } from '../../proto/failure.ts'
import { GatewayId, WorkerId, type JobId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import { consumerOf, partOf, subjects, type Queue } from '../../proto/subjects.ts'
import { Roster } from '../catalogue/roster.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { monotonicMs, sleep } from '../clock.ts'
import { within } from '../within.ts'
import type {
  Answer,
  Answers,
  AskOptions,
  Catalogue,
  Log,
  OnceKey,
  Resumed,
  ResumeOptions,
  Served,
} from '../ports.ts'
import { admit } from './admit.ts'
import { Adoption } from './adoption.ts'
import { Afterwards } from './afterwards.ts'
import { onClaim } from './claims.ts'
import { newCounts } from './counts.ts'
import type { Desk } from './desk.ts'
import { onDisconnect, onReturn } from './disconnects.ts'
import { cancelAnywhere } from './cancel-anywhere.ts'
import { findAnswer, type Found } from './find-answer.ts'
import { Gateways } from './gateways.ts'
import { headOf } from './keep-answer.ts'
import { removeIfAhead } from './mend-queue.ts'
import { reserve } from './once.ts'
import { readOn } from './reading.ts'
import { Relay } from './relay.ts'
import { reread } from './reread.ts'
import { StreamStore } from './store.ts'
import { TICK_MS, Watch } from './watch.ts'

/** Beats come five times a second: a model that was not heard of in this time is not there. */
const FIRST_BEATS_MS = 1_500
/** More waiting jobs than this for one queue, and the caller is told to come back. */
const MAX_WAITING = 2_048
/** Workers say which queues there are: one that lies makes no more of them than this. */
const MAX_QUEUES = 256
/** A queue without a worker is given this long to get one back. */
const NO_WORKER_MS = 30_000
/** The last beat of a gateway that ends. */
const BYE = 'bye'
const GOODBYE_MS = 300

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
}

/** One gateway's half of the job protocol, over one connection to the broker. */
export class GatewayDesk implements Answers, Catalogue, AsyncDisposable {
  readonly desk: Desk
  readonly roster = new Roster()
  readonly #gateways: Gateways
  readonly #relay: Relay
  #adoption: Adoption | undefined
  readonly #queues = new Map<string, Promise<void>>()
  readonly #openedAtMs = monotonicMs()
  #connected = true
  #timers: ReturnType<typeof setInterval>[] = []

  private constructor(desk: Desk, gateways: Gateways) {
    this.desk = desk
    this.#gateways = gateways
    this.#relay = new Relay(desk)
  }

  static async open({
    nc,
    gateway,
    log,
    ensureQueue,
    ensureStreams,
    inboxPrefix,
    fenced = true,
  }: DeskOptions): Promise<GatewayDesk> {
    const gateways = new Gateways(gateway, monotonicMs())
    const desk: Desk = {
      gateway,
      nc,
      store: new StreamStore(nc, inboxPrefix),
      jsm: await jetstreamManager(nc),
      live: new Map(),
      counts: newCounts(),
      afterwards: new Afterwards(),
      log,
      fenced,
      ensureQueue: (queue) => opened.#ensure(queue, ensureQueue),
      stepMs: (worker, queue) => opened.roster.stepMs(worker, queue),
      isGone: (worker) => opened.roster.isGone(worker, monotonicMs()),
      isLeaving: (worker) => opened.roster.isLeaving(worker),
      isAlive: (other) => gateways.isAlive(other, monotonicMs()),
      gatewayLeftLately: () => gateways.leftLately(monotonicMs()),
      newInbox: () => createInbox(inboxPrefix),
      find: (id, ask) => findAnswer(desk, id, ask),
    }
    const opened: GatewayDesk = new GatewayDesk(desk, gateways)
    opened.#listen(ensureStreams)
    await nc.flush()
    return opened
  }

  gateway(): Promise<GatewayId> {
    return Promise.resolve(this.desk.gateway)
  }

  /** Whether the broker is there and takes what it is given. */
  get connected(): boolean {
    return this.#connected && !this.desk.store.refusing
  }

  async ask(job: Job, options: AskOptions): Promise<Answer> {
    const known = this.roster.find(job.model, monotonicMs())
    if (!known) throw unknownModel(job.model)
    if (!this.#connected)
      throw new Failure('unavailable', 'The broker is away. Try again in a moment.', {
        retryAfterMs: 1_000,
      })
    this.#refuseIfFull(known.queue, known.seenAtMs)
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

  async resume(id: JobId, options: ResumeOptions): Promise<Resumed> {
    return this.#reading(id, await findAnswer(this.desk, id, options), options)
  }

  cancel(id: JobId, tenant: string): Promise<void> {
    return cancelAnywhere(this.desk, id, tenant)
  }

  #reading(
    id: JobId,
    { head, source, stored }: Found,
    { tenant, after, signal }: ResumeOptions,
  ): Resumed {
    const elsewhere = (at: number) =>
      findAnswer(this.desk, id, { tenant, after: at, signal }).then((found) => found.source)
    return { head, answer: readOn(source, { from: after, signal, elsewhere }), stored }
  }

  async find(model: string): Promise<Served | undefined> {
    for (;;) {
      const known = this.roster.find(model, monotonicMs())
      // Just started: the workers' first beats are on their way.
      if (known || monotonicMs() - this.#openedAtMs > FIRST_BEATS_MS) return known?.served
      await sleep(BEAT_MS / 4)
    }
  }

  list(): Promise<readonly Served[]> {
    return Promise.resolve(this.roster.models(monotonicMs()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.desk.afterwards[Symbol.dispose]()
    await this.#sayGoodbye()
    this.desk.store[Symbol.dispose]()
    const gone = new Failure('unavailable', 'The gateway lost its broker. Send the request again.')
    for (const live of this.desk.live.values()) live.tape.close({ failure: gone })
    this.#adoption?.[Symbol.dispose]()
    await this.desk.nc.close()
  }

  /** The others need not wait to be sure that we are gone. */
  async #sayGoodbye(): Promise<void> {
    const { nc, gateway } = this.desk
    if (!this.#connected || nc.isClosed()) return
    nc.publish(subjects.gatewayBeat(gateway), BYE)
    // A broker that is frozen keeps nobody from ending.
    await within(GOODBYE_MS, nc.flush()).catch(() => undefined)
  }

  #refuseIfFull(queue: Queue, seenAtMs: number): void {
    const consumer = consumerOf(queue)
    let waiting = 0
    for (const live of this.desk.live.values())
      if (live.consumer === consumer && !live.holder && !live.outcome) waiting++
    if (waiting >= MAX_WAITING)
      throw new Failure('overloaded', `${waiting} requests wait for this model. Try again later.`, {
        retryAfterMs: 5_000,
      })
    if (monotonicMs() - seenAtMs > NO_WORKER_MS)
      throw new Failure(
        'overloaded',
        'No worker serves this model at the moment. Try again later.',
        {
          retryAfterMs: 10_000,
        },
      )
  }

  #listen(ensureStreams: () => Promise<void>): void {
    const { nc, gateway } = this.desk
    const claims = (msg: Msg): void => {
      onClaim(this.desk, msg).catch((cause: unknown) => {
        this.desk.log.error({ cause }, 'a claim could not be answered')
      })
    }
    this.#on(subjects.claimsOf(gateway), claims)
    this.#on(subjects.claimsOf('any'), claims, 'gateways')
    this.#on(subjects.beats, (msg) => this.#onBeat(msg))
    this.#on(subjects.gatewayBeats, (msg) => this.#onGatewayBeat(msg))
    this.#on(subjects.edgeDisconnects, (msg) => this.#gateways.ended(msg.json()))
    this.#on(subjects.reads, (msg) => this.#relay.heard(msg))
    this.#on(subjects.poolDisconnects, (msg) => onDisconnect(this.desk, msg.json()))
    const adoption = new Adoption(this.desk, this.#gateways, claims)
    this.#adoption = adoption
    const watch = new Watch(this.desk, {
      connected: () => this.#connected,
      onStall: (ms) => this.#gateways.forgive(ms),
      nowMs: monotonicMs(),
    })
    const tick = (): void => {
      const nowMs = monotonicMs()
      watch.tick(nowMs)
      this.#relay.sweep(nowMs)
      if (this.#connected) adoption.tick(nowMs)
    }
    const beat = (): void => {
      if (this.#connected)
        nc.publish(subjects.gatewayBeat(gateway), String(nc.info?.client_id ?? 0))
    }
    this.#timers = [setInterval(tick, TICK_MS), setInterval(beat, BEAT_MS)]
    beat()
    void this.#follow(ensureStreams)
  }

  /** A message that cannot be read is logged and dropped: nobody's bytes may end a gateway. */
  #on(subject: string, heard: (msg: Msg) => void, queue?: string): void {
    this.desk.nc.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, msg) => {
        if (error) return
        try {
          heard(msg)
        } catch (cause) {
          this.desk.counts.junk++
          this.desk.log.warn({ subject: msg.subject, cause }, 'an unreadable message')
        }
      },
    })
  }

  #onBeat(msg: Msg): void {
    const worker = WorkerId.parse(partOf(msg.subject, 1))
    const beat = Beat.parse(msg.json())
    this.roster.heard(worker, beat, monotonicMs())
    for (const { kind, queue } of beat.offerings)
      if (this.#queues.size < MAX_QUEUES)
        this.desk.ensureQueue({ kind, name: queue }).catch(() => undefined)
    onReturn(this.desk, worker, beat)
  }

  #onGatewayBeat(msg: Msg): void {
    const id = GatewayId.parse(partOf(msg.subject, 1))
    if (id === this.desk.gateway) return
    if (msg.string() === BYE) this.#gateways.bade(id)
    else this.#gateways.heard(id, Number(msg.string()), monotonicMs())
  }

  #ensure(queue: Queue, ensureQueue: DeskOptions['ensureQueue']): Promise<void> {
    const name = consumerOf(queue)
    const known = this.#queues.get(name)
    if (known) return known
    const made = ensureQueue(queue)
      .then(() => removeIfAhead(this.desk.jsm, name))
      .then((removed) => (removed ? ensureQueue(queue) : undefined))
    this.#queues.set(name, made)
    made.catch((cause: unknown) => {
      this.#queues.delete(name)
      this.desk.log.warn({ consumer: name, cause }, 'a queue could not be made ready')
    })
    return made
  }

  async #follow(ensureStreams: () => Promise<void>): Promise<void> {
    for await (const status of this.desk.nc.status()) {
      if (status.type === 'disconnect') this.#connected = false
      if (status.type !== 'reconnect') continue
      // A broker that lost its files has no queues: they are made again when next needed.
      this.#queues.clear()
      await ensureStreams().catch((cause: unknown) => {
        this.desk.log.error({ cause }, 'the streams could not be made sure of')
      })
      for (const live of this.desk.live.values()) live.silence.excuse(monotonicMs())
      this.#gateways.excuse(monotonicMs())
      this.#connected = true
      // Others may have thought us gone.
      await reread(this.desk)
    }
    this.#connected = false
  }
}
