import { eq, sql } from 'drizzle-orm'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { openDb, type Db } from '../../db/client.ts'
import { isRefusal, writeUsage } from '../../db/queries/write-usage.ts'
import { usage, usageHours } from '../../db/schema/usage.ts'
import { UsageWriter, type UsageWriterOptions } from '../../edge/usage/writer.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { ensureUsageConsumer } from '../../infra/nats/streams.ts'
import { startDatabase } from '../../infra/testing/start-database.ts'
import { newJobId, newProjectId, WorkerId, type GatewayId, type JobId } from '../../proto/ids.ts'
import { LedgerRecord, type Final } from '../../proto/ledger.ts'
import { LEDGER, subjects, USAGE } from '../../proto/subjects.ts'
import { test as base } from './desk-fixture.ts'

/** Long enough for a writer that lives, and short for a test that waits for one that died. */
const ACK_WAIT_MS = 1_500

const quiet = { info: () => {}, warn: () => {}, error: () => {} }

/** `test` with a broker, a database, and a LEDGER that is empty and that nobody reads yet. */
export const test = base
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await startDatabase()
    onCleanup(() => database[Symbol.asyncDispose]())
    return database
  })
  .extend('db', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const db = openDb(database.url)
    onCleanup(() => db.$client.end())
    return db
  })
  .extend('broker', async ({ nats }, { onCleanup }) => {
    const broker = await connect(connectionOptions(nats.operatorUrl))
    onCleanup(() => broker.close())
    return broker
  })
  .extend('ledger', async ({ broker, desk }) => {
    const jsm = await jetstreamManager(broker)
    await jsm.consumers.delete(LEDGER, USAGE).catch(() => false)
    await jsm.streams.purge(LEDGER)
    return new Ledger(broker, desk.desk.gateway)
  })
  .extend('project', () => newProjectId())

/** What gateways write of their jobs. */
class Ledger {
  readonly #broker: NatsConnection
  readonly #gateway: GatewayId

  constructor(broker: NatsConnection, gateway: GatewayId) {
    this.#broker = broker
    this.#gateway = gateway
  }

  /** A job of `project` that a worker took and that ended. */
  async end(project: string, differing: Partial<Final> = {}): Promise<JobId> {
    const id = newJobId()
    const worker = WorkerId.parse('w1')
    const owned = { gateway: this.#gateway, spans: [{ epoch: 1, from: 0, worker }] }
    const holder = { worker, nonce: 'x', connection: 1, ack: 'x', secret: 'x' }
    await this.#say(id, { type: 'claimed', ...owned, epoch: 1, holder, deaths: [] })
    await this.#say(id, {
      type: 'final',
      ...owned,
      outcome: 'done',
      finish: 'stop',
      usage: { promptTokens: 3, cachedTokens: 1, completionTokens: 20 },
      kind: 'chat',
      tenant: project,
      key: 'key_test',
      priority: 'default',
      model: 'echo-20-0-0',
      admittedAtMs: Date.now(),
      failure: null,
      ...differing,
    })
    return id
  }

  /** How many records nobody has acknowledged. */
  async unwritten(): Promise<number> {
    const { num_pending, num_ack_pending } = await (
      await jetstreamManager(this.#broker)
    ).consumers.info(LEDGER, USAGE)
    return num_pending + num_ack_pending
  }

  async #say(id: JobId, record: LedgerRecord): Promise<void> {
    await this.#broker.request(subjects.ledger(id), JSON.stringify(LedgerRecord.parse(record)))
  }
}

/** A writer on a connection of its own, as a gateway has one: `kill` ends the connection in the middle of anything. */
export async function startWriter(
  url: string,
  write: UsageWriterOptions['write'],
): Promise<AsyncDisposable & { counts: UsageWriter['counts']; kill: () => Promise<void> }> {
  const nc = await connect(connectionOptions(url))
  const jsm = await jetstreamManager(nc)
  const ensureConsumer = () => ensureUsageConsumer(jsm, { ackWaitMs: ACK_WAIT_MS })
  const writer = new UsageWriter({ nc, ensureConsumer, write, isRefusal, log: quiet })
  return {
    counts: writer.counts,
    kill: () => nc.close(),
    [Symbol.asyncDispose]: async () => {
      await writer[Symbol.asyncDispose]()
      await nc.close()
    },
  }
}

export const into =
  (db: Db): UsageWriterOptions['write'] =>
  (rows) =>
    writeUsage(db, rows)

export const rowsOf = (db: Db, project: string) =>
  db.select().from(usage).where(eq(usage.project, project)).orderBy(usage.job)

/** Requests and tokens of a project, by its rows and by its hours: they must agree. */
export async function sumsOf(
  db: Db,
  project: string,
): Promise<{ rows: number[]; hours: number[] }> {
  const [rows] = await db
    .select({
      requests: sql<number>`count(*)::int`,
      tokens: sql<number>`coalesce(sum(${usage.completionTokens}), 0)::int`,
    })
    .from(usage)
    .where(eq(usage.project, project))
  const [hours] = await db
    .select({
      requests: sql<number>`coalesce(sum(${usageHours.requests}), 0)::int`,
      tokens: sql<number>`coalesce(sum(${usageHours.completionTokens}), 0)::int`,
    })
    .from(usageHours)
    .where(eq(usageHours.project, project))
  return {
    rows: [rows?.requests ?? 0, rows?.tokens ?? 0],
    hours: [hours?.requests ?? 0, hours?.tokens ?? 0],
  }
}
