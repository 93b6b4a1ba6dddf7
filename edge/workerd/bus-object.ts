import { jetstreamManager } from '@nats-io/jetstream'
import { wsconnect } from '@nats-io/nats-core'
import { DurableObject } from 'cloudflare:workers'
import { budgetStore } from '../../db/money.ts'
import { isRefusal, writeUsage } from '../../db/queries/write-usage.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { applyStreams, ensureConsumer, ensureUsageConsumer } from '../../infra/nats/streams.ts'
import { Failure } from '../../proto/failure.ts'
import { newGatewayId, type JobId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { QueueList } from '../../proto/queues.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { StoredResponse } from '../../proto/stored-response.ts'
import { subjects } from '../../proto/subjects.ts'
import { monotonicMs } from '../clock.ts'
import { GatewayDesk } from '../jobs/gateway-desk.ts'
import { deskRegistry } from '../metrics.ts'
import type { Looked, OnceKey, Queued, Resumed, Served } from '../ports.ts'
import { responsesStore } from '../responses/responses-store.ts'
import { UsageWriter } from '../usage/writer.ts'
import { readVars, type Bindings } from './bindings.ts'
import { askDatabase } from './database.ts'
import { objectLimiter, RENEW_MS } from './limiter-object.ts'
import { consoleLog } from './log.ts'
import { recordsOf, streamOf } from './records.ts'
import { reply, type Reply } from './reply.ts'

const CONNECT_TIMEOUT_MS = 2_000
/** How often an object whose usage waits to be written is woken. */
const AWAKE_MS = 20_000

/** The accepted frames of an answer, as records. */
export interface Asked {
  frames: ReadableStream<Uint8Array>
  queued: Queued | undefined
}

/** An answer that may have begun elsewhere or earlier, with its frames as records. */
export interface Reading extends Asked {
  head: AnswerHead
  stored: boolean
}

/**
 * One share of the gateway: a connection to the broker, which only a Durable Object can keep, and the job desk on it.
 * Each life of each share is a gateway of its own. An object without requests is put to sleep after a minute or so
 * and its connection ends; the next request opens another.
 */
export class BusObject extends DurableObject<Bindings> {
  readonly #vars = readVars(this.env)
  readonly #database = askDatabase({
    url: this.#vars.DATABASE_URL,
    waitUntil: (rest) => this.ctx.waitUntil(rest),
  })
  readonly #limiter = objectLimiter(this.env)
  #opening: Promise<GatewayDesk> | undefined
  #usage: UsageWriter | undefined

  /** Cancelling the stream cancels the job. */
  ask(
    job: Job,
    limited: boolean,
    input: ReadableStream<Uint8Array> | undefined,
  ): Promise<Reply<Asked>> {
    return reply(async () => {
      const desk = await this.#desk()
      // This object may have woken only now: it must have heard who is there before it says that nobody is.
      await desk.find(job.model)
      const abort = new AbortController()
      const mine = { ...job, gateway: desk.desk.gateway }
      const how = { signal: abort.signal, limited, ...(input && { input: blocksOf(input) }) }
      const answer = await desk.ask(mine, how)
      return { frames: streamOf(answer, () => abort.abort()), queued: answer.queued }
    })
  }

  /** The same, once for each key. */
  askOnce(
    job: Job,
    key: OnceKey,
    limited: boolean,
    input: ReadableStream<Uint8Array> | undefined,
  ): Promise<Reply<Reading>> {
    return reply(async () => {
      const desk = await this.#desk()
      await desk.find(job.model)
      const mine = { ...job, gateway: desk.desk.gateway }
      return readingOf((signal) =>
        desk.askOnce(mine, key, { signal, limited, ...(input && { input: blocksOf(input) }) }),
      )
    })
  }

  recall(job: Job): Promise<Reply<ReadableStream<Uint8Array> | undefined>> {
    return reply(async () => {
      const answer = await (await this.#desk()).recall(job)
      return answer && streamOf(answer, () => undefined)
    })
  }

  resume(id: JobId, at: { tenant: string; after: number }): Promise<Reply<Reading>> {
    return reply(async () => {
      const desk = await this.#desk()
      return readingOf((signal) => desk.resume(id, { ...at, signal }))
    })
  }

  cancel(id: JobId, tenant: string): Promise<Reply<void>> {
    return reply(async () => (await this.#desk()).cancel(id, tenant))
  }

  putResponse(asked: StoredResponse): Promise<Reply<void>> {
    return reply(async () => responsesStore((await this.#desk()).desk).put(asked))
  }

  lookAtResponse(id: JobId, tenant: string): Promise<Reply<Looked | undefined>> {
    return reply(async () => responsesStore((await this.#desk()).desk).look(id, tenant))
  }

  removeResponse(id: JobId): Promise<Reply<void>> {
    return reply(async () => responsesStore((await this.#desk()).desk).remove(id))
  }

  find(model: string): Promise<Reply<Served | undefined>> {
    return reply(async () => (await this.#desk()).find(model))
  }

  list(): Promise<Reply<readonly Served[]>> {
    return reply(async () => (await this.#desk()).list())
  }

  parts(): Promise<Reply<{ broker: boolean; workers: boolean }>> {
    return reply(async () => {
      const desk = await this.#desk()
      return {
        broker: desk.connected,
        workers: desk.roster.workers(monotonicMs()).length > 0,
      }
    })
  }

  queues(): Promise<Reply<QueueList>> {
    return reply(async () => (await this.#desk()).queues())
  }

  metrics(): Promise<Reply<string>> {
    return reply(async () => {
      const desk = await this.#desk()
      if (!this.#usage) throw new Error('a desk has a writer of usage')
      return deskRegistry(desk, this.#usage).metrics()
    })
  }

  /** Tells the gateways that remember keys, prices or budgets for longer than a second. */
  changed(what: 'keyChanged' | 'moneyChanged'): Promise<Reply<void>> {
    return reply(async () => {
      const { nc } = (await this.#desk()).desk
      nc.publish(subjects[what])
      await nc.flush()
    })
  }

  /** Usage waits for the database. Opening the desk again starts another writer, should this object have slept meanwhile. */
  override async alarm(): Promise<void> {
    await this.#desk().catch(() => this.#stayAwake(1))
  }

  /** Nobody may ask anything for hours, and what was used must be written all the same. */
  async #stayAwake(failures: number): Promise<void> {
    if (failures > 0) await this.ctx.storage.setAlarm(Date.now() + AWAKE_MS)
    else await this.ctx.storage.deleteAlarm()
  }

  #desk(): Promise<GatewayDesk> {
    this.#opening ??= this.#open().catch((cause: unknown) => {
      this.#opening = undefined
      throw new Failure('unavailable', 'The broker is away. Try again in a moment.', {
        cause,
        retryAfterMs: 1_000,
      })
    })
    return this.#opening
  }

  async #open(): Promise<GatewayDesk> {
    const { GATEWAY_NAME, LOG_LEVEL, NATS_URL } = this.#vars
    const gateway = newGatewayId(GATEWAY_NAME)
    const log = consoleLog(LOG_LEVEL, { gateway })
    try {
      const options = connectionOptions(NATS_URL)
      const { inboxPrefix } = options
      const nc = await wsconnect({
        ...options,
        name: `gateway ${GATEWAY_NAME}`,
        timeout: CONNECT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        // A user may be added, and its password changed, while we knock.
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: 100,
        reconnectJitter: 100,
        pingInterval: 5_000,
      })
      try {
        const keeping = { responsesDays: this.#vars.RESPONSES_DAYS }
        await applyStreams(nc, keeping)
        const jsm = await jetstreamManager(nc)
        const ensureQueue = ensureConsumer.bind(undefined, jsm)
        const desk = await GatewayDesk.open({
          nc,
          inboxPrefix,
          gateway,
          log,
          ensureQueue,
          ensureStreams: () => applyStreams(nc, keeping),
          ended: (job, project, used) => this.#limiter.end(job, project, used),
          budgets: budgetStore(this.#database),
        })
        const usage = (this.#usage = new UsageWriter({
          nc,
          ensureConsumer: () => ensureUsageConsumer(jsm),
          write: (rows) => this.#database((db) => writeUsage(db, rows)),
          isRefusal,
          log,
          onPause: (failures) => void this.#stayAwake(failures),
        }))
        void nc.closed().then(() => this.#close(desk, usage))
        const renewing = setInterval(() => this.#renew(desk), RENEW_MS)
        void nc.closed().then(() => clearInterval(renewing))
        log.info({}, 'connected to the broker')
        return desk
      } catch (cause) {
        void nc.close()
        throw cause
      }
    } catch (cause) {
      log.warn({ cause }, 'the broker does not answer')
      throw cause
    }
  }

  /** The jobs that count for a limit still run. */
  #renew(desk: GatewayDesk): void {
    const jobs = Map.groupBy(
      [...desk.desk.live.values()].filter(({ limited }) => limited),
      ({ job }) => job.tenant,
    )
    for (const [project, live] of jobs)
      this.#limiter.renew(
        project,
        live.map(({ job }) => job.id),
      )
  }

  /** A connection that closed for good is not one to keep: the next request opens another. */
  async #close(desk: GatewayDesk, usage: UsageWriter): Promise<void> {
    this.#opening = undefined
    await usage[Symbol.asyncDispose]()
    await desk[Symbol.asyncDispose]()
  }
}

async function readingOf(read: (signal: AbortSignal) => Promise<Resumed>): Promise<Reading> {
  const abort = new AbortController()
  const { head, stored, answer } = await read(abort.signal)
  return { head, stored, frames: streamOf(answer, () => abort.abort()), queued: answer.queued }
}

async function* blocksOf(input: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = input.getReader()
  try {
    for await (const blocks of recordsOf(reader)) yield* blocks
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
