import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import OpenAI from 'openai'
import { openDb } from '../../db/client.ts'
import { createKey } from '../../db/queries/keys.ts'
import { projects } from '../../db/schema/projects.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import { startNats, type NatsFixture } from '../../infra/testing/start-nats.ts'
import { CreatedKey, type NewKey } from '../../proto/admin.ts'
import { newProjectId, type JobId } from '../../proto/ids.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { subjects } from '../../proto/subjects.ts'
import { DEFAULT_ORGANISATION } from '../../proto/tenancy.ts'
import { startChild, type Child } from './child.ts'
import { hello } from './oracle.ts'
import { until } from './until.ts'

export type Runtime = 'node' | 'workerd'

const GATEWAY = 'g1'
const WORKERS = ['w1', 'w2'] as const
export type WorkerName = (typeof WORKERS)[number]

const mains: Record<Runtime, URL> = {
  node: new URL('../../edge/node/main.ts', import.meta.url),
  workerd: new URL('../../infra/local/edge-gateway.ts', import.meta.url),
}
const WORKER_MAIN = new URL('../../workers/main.ts', import.meta.url)

/** A whole June of real processes: a broker, a database, one gateway of the runtime under test, and workers. */
export class Stack implements AsyncDisposable {
  readonly runtime: Runtime
  readonly nats: NatsFixture
  /** The secret of a key that may do everything. */
  readonly admin: string
  /** The secret of a key of another project. */
  readonly stranger: string
  readonly workers = new Map<WorkerName, Child>()
  readonly #gatewayEnv: Record<string, string>
  readonly #jsm: JetStreamManager
  readonly #owned: AsyncDisposableStack
  #gateway: Child | undefined

  private constructor(parts: {
    runtime: Runtime
    nats: NatsFixture
    admin: string
    stranger: string
    gatewayEnv: Record<string, string>
    jsm: JetStreamManager
    owned: AsyncDisposableStack
  }) {
    this.runtime = parts.runtime
    this.nats = parts.nats
    this.admin = parts.admin
    this.stranger = parts.stranger
    this.#gatewayEnv = parts.gatewayEnv
    this.#jsm = parts.jsm
    this.#owned = parts.owned
  }

  static async open(runtime: Runtime): Promise<Stack> {
    await using owned = new AsyncDisposableStack()
    const nats = owned.use(await startNats({ gateways: [GATEWAY], workers: WORKERS }))
    const database = owned.use(await startDatabase())
    const { admin, stranger } = await firstKeys(database)
    const dir = await mkdtemp(join(tmpdir(), 'june-contract-'))
    owned.defer(() => rm(dir, { recursive: true, force: true }))
    const nc = await connect({
      ...connectionOptions(nats.operatorUrl),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    })
    owned.defer(() => nc.close())
    const jsm = await jetstreamManager(nc, { timeout: 1_000 })
    const gatewayEnv = {
      GATEWAY_NAME: GATEWAY,
      HOST: '127.0.0.1',
      PORT: '0',
      NATS_URL: runtime === 'node' ? nats.url(GATEWAY) : nats.wsUrl(GATEWAY),
      DATABASE_URL: database.url,
      LOG_LEVEL: 'warn',
      JUNE_DATA_DIR: dir,
      // How each runtime hears whom a request is from.
      TRUSTED_PROXIES: '127.0.0.1',
      CLIENT_ADDRESS_HEADER: 'x-forwarded-for',
      JUNE_SECRET: 'the secret of the operator of this test',
    }
    const stack = new Stack({
      runtime,
      nats,
      admin,
      stranger,
      gatewayEnv,
      jsm,
      owned: owned.move(),
    })
    await stack.startGateway()
    return stack
  }

  async startGateway(): Promise<void> {
    this.#gateway = await startChild(mains[this.runtime], this.#gatewayEnv)
  }

  get gateway(): Child {
    if (!this.#gateway) throw new Error('the gateway was never started')
    return this.#gateway
  }

  get url(): string {
    return this.gateway.url
  }

  async startWorker(name: WorkerName, env: Record<string, string> = {}): Promise<Child> {
    const worker = await startChild(WORKER_MAIN, {
      WORKER_ID: name,
      NATS_URL: this.nats.url(name),
      JUNE_ECHO: '1',
      JUNE_LEXICAL: '1',
      JUNE_MODELS_DIR: '/nowhere',
      LOG_LEVEL: 'error',
      DRAIN_GRACE_MS: '0',
      ...env,
    })
    this.workers.set(name, worker)
    return worker
  }

  async endWorker(name: WorkerName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.workers.get(name)?.end(signal)
    this.workers.delete(name)
  }

  /** A number from a worker's own metrics page. */
  async metric(worker: WorkerName, name: string): Promise<number> {
    const child = this.workers.get(worker)
    if (!child) throw new Error(`${worker} does not run`)
    const text = await (await fetch(`${child.url}/metrics`)).text()
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    return Number(line?.split(' ')[1] ?? Number.NaN)
  }

  /** Resolves once no worker runs anything. */
  async idle(): Promise<void> {
    for (const name of this.workers.keys())
      await until(async () => (await this.metric(name, 'june_worker_jobs_running')) === 0)
  }

  /** The last thing that is recorded of a job. */
  async ledger(id: string): Promise<LedgerRecord | undefined> {
    const query = { last_by_subj: subjects.ledger(id as JobId) }
    const message = await this.#jsm.direct.getMessage('LEDGER', query)
    return message ? LedgerRecord.parse(message.json()) : undefined
  }

  /** How many jobs are in the queue or running; not a number while the broker is away. */
  async queued(): Promise<number> {
    const info = await this.#jsm.streams.info('JOBS').catch(() => undefined)
    return info?.state.messages ?? Number.NaN
  }

  /** How many messages of a stream lie under a subject. */
  async stored(stream: string, subject: string): Promise<number> {
    const info = await this.#jsm.streams.info(stream, { subjects_filter: subject })
    return Object.keys(info.state.subjects ?? {}).length
  }

  async newKey(wanted: Partial<NewKey> = {}): Promise<CreatedKey> {
    const response = await this.fetch('/admin/keys', {
      key: this.admin,
      json: { name: 'a test', requestsPerMinute: 100_000, ...wanted },
    })
    return CreatedKey.parse(await response.json())
  }

  openai(key: string = this.admin): OpenAI {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: key, maxRetries: 0 })
  }

  fetch(
    path: string,
    { key, json, ...init }: RequestInit & { key?: string; json?: unknown } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers)
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
    if (json === undefined) return fetch(`${this.url}${path}`, { ...init, headers })
    headers.set('content-type', 'application/json')
    const body = JSON.stringify(json)
    return fetch(`${this.url}${path}`, { method: 'POST', body, ...init, headers })
  }

  /** The whole event stream of an echo model's answer. */
  async stream(model: string, seed: number): Promise<string> {
    const json = { model, messages: hello, seed, stream: true }
    const response = await this.fetch('/v1/chat/completions', { key: this.admin, json })
    const body = await response.text()
    if (!response.ok) throw new Error(`${model} was refused with ${response.status}: ${body}`)
    return body
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of WORKERS) await this.endWorker(name)
    await this.#gateway?.end('SIGKILL')
    await this.#owned.disposeAsync()
  }
}

/** The first keys are made where no gateway is asked: in the database. One is of a project of its own. */
async function firstKeys({ url }: DatabaseFixture): Promise<Record<'admin' | 'stranger', string>> {
  const db = openDb(url, { connections: 1 })
  const project = newProjectId()
  await db
    .insert(projects)
    .values({ id: project, organisation: DEFAULT_ORGANISATION, name: 'other' })
  const requestsPerMinute = 1_000_000
  const admin = await createKey(db, { name: 'operator', scope: 'admin', requestsPerMinute })
  const stranger = await createKey(db, { name: 'stranger', project, requestsPerMinute })
  await db.$client.end()
  return { admin: admin.apiKey, stranger: stranger.apiKey }
}
