import { jetstreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { Beat, BEAT_MS } from '../../proto/beat.ts'
import { Failure } from '../../proto/failure.ts'
import { WorkerId, type GatewayId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import { consumerOf, partOf, subjects, type Queue } from '../../proto/subjects.ts'
import { Roster } from '../catalogue/roster.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type { Answer, Answers, AskOptions, Catalogue, Log, Served } from '../ports.ts'
import { admit } from './admit.ts'
import { onClaim } from './claims.ts'
import { newCounts } from './counts.ts'
import type { Desk } from './desk.ts'
import { onDisconnect, onReturn } from './disconnects.ts'
import { removeIfAhead } from './mend-queue.ts'
import { StreamStore } from './store.ts'
import { TICK_MS, Watch } from './watch.ts'

/** A gateway whose last beat is older than this is not alive. */
const GATEWAY_GONE_MS = 2_000
/** Beats come five times a second: a model that was not heard of in this time is not there. */
const FIRST_BEATS_MS = 1_500
/** More waiting jobs than this for one queue, and the caller is told to come back. */
const MAX_WAITING = 2_048
/** Workers say which queues there are: one that lies makes no more of them than this. */
const MAX_QUEUES = 256
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
}

/** One gateway's half of the job protocol, over one connection to the broker. */
export class GatewayDesk implements Answers, Catalogue, AsyncDisposable {
  readonly desk: Desk
  readonly roster = new Roster()
  readonly #gateways = new Map<string, number>()
  readonly #queues = new Map<string, Promise<void>>()
  readonly #openedAtMs = monotonicMs()
  #connected = true
  #timers: ReturnType<typeof setInterval>[] = []

  private constructor(desk: Desk) {
    this.desk = desk
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
    const opened: GatewayDesk = new GatewayDesk({
      gateway,
      nc,
      store: new StreamStore(nc, inboxPrefix),
      jsm: await jetstreamManager(nc),
      live: new Map(),
      counts: newCounts(),
      log,
      fenced,
      ensureQueue: (queue) => opened.#ensure(queue, ensureQueue),
      stepMs: (worker, queue) => opened.roster.stepMs(worker, queue),
      isGone: (worker) => opened.roster.isGone(worker, monotonicMs()),
      isLeaving: (worker) => opened.roster.isLeaving(worker),
      isAlive: (other) => opened.#isAlive(other),
    })
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
    this.desk.store[Symbol.dispose]()
    const gone = new Failure('unavailable', 'The gateway lost its broker. Send the request again.')
    for (const live of this.desk.live.values()) live.mailbox.close(gone)
    await this.desk.nc.close()
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
    this.#on(subjects.gatewayBeats, (msg) => this.#onGatewayBeat(partOf(msg.subject, 1)))
    this.#on(subjects.poolDisconnects, (msg) => onDisconnect(this.desk, msg.json()))
    const watch = new Watch(this.desk, () => this.#connected, monotonicMs())
    this.#timers = [
      setInterval(() => watch.tick(monotonicMs()), TICK_MS),
      setInterval(() => {
        if (this.#connected) nc.publish(subjects.gatewayBeat(gateway))
      }, BEAT_MS),
    ]
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

  #onGatewayBeat(gateway: string): void {
    const nowMs = monotonicMs()
    // Every start of a gateway is another gateway: the former ones are not kept.
    if (!this.#gateways.has(gateway))
      for (const [other, seenAtMs] of this.#gateways)
        if (nowMs - seenAtMs > GATEWAY_GONE_MS) this.#gateways.delete(other)
    this.#gateways.set(gateway, nowMs)
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

  #isAlive(other: GatewayId): boolean {
    const now = monotonicMs()
    if (now - this.#openedAtMs < GATEWAY_GONE_MS) return true
    return now - (this.#gateways.get(other) ?? 0) < GATEWAY_GONE_MS
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
      this.#connected = true
    }
    this.#connected = false
  }
}
