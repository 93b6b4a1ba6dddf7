import { readFile } from 'node:fs/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { pino } from 'pino'
import { bucketStore } from '../../db/bucket-store.ts'
import { isRefusal, writeUsage } from '../../db/queries/write-usage.ts'
import { batchStore } from '../../db/batch-store.ts'
import { fileStore } from '../../db/file-store.ts'
import { usageBook } from '../../db/usage-book.ts'
import { budgetStore, moneyAdmin, type Ask } from '../../db/money.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { applyStreams, ensureConsumer, ensureUsageConsumer } from '../../infra/nats/streams.ts'
import { newGatewayId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import { createApp } from '../app.ts'
import type { IncomingMessage } from 'node:http'
import { announce } from '../auth/announce.ts'
import { batchWork } from '../batches/batch-work.ts'
import { BatchRunner } from '../batches/batch-runner.ts'
import { sendAs } from '../batches/send-as.ts'
import { bearers } from '../auth/bearers.ts'
import { CachedKeys } from '../auth/cached-keys.ts'
import { clientAddress } from '../auth/client-address.ts'
import { EndUsers } from '../auth/end-users.ts'
import { PublishedKeys } from '../auth/published-keys.ts'
import { vaultOf } from '../auth/vault.ts'
import { monotonicMs, sleep } from '../clock.ts'
import { GatewayDesk } from '../jobs/gateway-desk.ts'
import { SlicedLimiter } from '../limit/sliced-limiter.ts'
import { responsesStore } from '../responses/responses-store.ts'
import { deskRegistry } from '../metrics.ts'
import type { Health } from '../ports.ts'
import { UsageWriter } from '../usage/writer.ts'
import { Database } from './database.ts'
import { readEnv } from './env.ts'
import { logCause } from './log-cause.ts'
import { readDocsScript } from './docs-script.ts'
import { storedKeys } from './key-store.ts'
import { listen } from './server.ts'

/** A revocation is broadcast; this is for the one that was missed while the broker was away. */
const KEY_TTL_MS = 60_000
/** How often the gateways tell each other, by way of the database, what was used of the limits that they share. */
const LIMITS_TOLD_MS = 1_000
/** Under the launcher's own patience of four seconds. */
const LAST_WORDS_MS = 200

const env = readEnv(process.env)
const log = pino({
  level: env.LOG_LEVEL,
  base: { gateway: env.GATEWAY_NAME },
  errorKey: 'cause',
  serializers: { cause: logCause },
})
const tell = (message: object): void => void process.send?.(message)

if (env.JUNE_FENCE === 'off')
  log.warn('JUNE_FENCE is off: tokens may come twice or be wrong. This is for fault runs alone')

const nc = await connectBroker()
const keeping = { responsesDays: env.RESPONSES_DAYS }
await applyStreams(nc, keeping)
const jsm = await jetstreamManager(nc)
const database = new Database(env.DATABASE_URL)
const ask: Ask = (query) => database.ask(query)
const gateway = newGatewayId(env.GATEWAY_NAME)
const limiter = new SlicedLimiter({
  gateway,
  store: bucketStore(ask),
  gateways: () => desk.desk.gateways(),
  log,
})
const limitsTold = setInterval(() => void limiter.beat(), LIMITS_TOLD_MS)
const desk = await GatewayDesk.open({
  nc,
  inboxPrefix: connectionOptions(env.NATS_URL).inboxPrefix,
  gateway,
  log,
  ensureQueue: (queue) => ensureConsumer(jsm, queue),
  ensureStreams: () => applyStreams(nc, keeping),
  fenced: env.JUNE_FENCE === 'on',
  ended: (job, project, used) => limiter.end(job, project, used),
  budgets: budgetStore(ask),
})
const usageWriter = new UsageWriter({
  nc,
  ensureConsumer: () => ensureUsageConsumer(jsm),
  write: (rows) => database.ask((db) => writeUsage(db, rows)),
  isRefusal,
  log,
})
const store = storedKeys(
  ask,
  announce({
    forget: () => keys.forget(),
    tell: () => tellAll(subjects.keyChanged),
    log,
  }),
)
const money = moneyAdmin(ask, announce({ tell: () => tellAll(subjects.moneyChanged), log }))
const vault = vaultOf(env.JUNE_SECRET)
const keys = bearers(
  new CachedKeys(store, { ttlMs: KEY_TTL_MS, log, shares: true }),
  new EndUsers({
    store,
    published: new PublishedKeys((at, init) => fetch(at, init), log),
    vault,
    ttlMs: KEY_TTL_MS,
    log,
  }),
)
nc.subscribe(subjects.keyChanged, { callback: () => keys.forget() })

const files = fileStore(ask)
const batches = batchStore(ask)
const work = batchWork(batches)
const batchRunner = new BatchRunner({
  work,
  files,
  holder: gateway,
  send: sendAs(() => app, work.keyOf),
  sweep: () => files.sweep(),
  log,
})
const app: ReturnType<typeof createApp> = createApp({
  answers: desk,
  responses: responsesStore(desk.desk),
  catalogue: desk,
  lineup: desk,
  keys,
  money,
  limiter,
  usage: usageBook(ask),
  files,
  batches: { ...batches, stir: () => batchRunner.stir() },
  tenancy: store.tenancy,
  clientTokens: store.clientTokens,
  vault,
  health: healthOf(desk, database),
  log,
  page: await readFile(new URL('../page/index.html', import.meta.url), 'utf8'),
  docsScript: readDocsScript,
})
const { server, url, answering } = await listen(
  (request, incoming) => app.fetch(request, { address: () => addressOf(incoming) }),
  {
    host: env.HOST,
    port: env.PORT,
  },
)
log.info({ url, id: gateway }, 'listening')
tell({ type: 'ready', url })

let stopping = false
void nc.closed().then(async (cause) => {
  if (stopping) return
  // It reconnects for ever, so whatever ended it is not ours to mend: readers are told, and the launcher starts another.
  log.fatal({ cause }, 'the connection to the broker is closed for good')
  await desk[Symbol.asyncDispose]()
  await sleep(LAST_WORDS_MS)
  process.exit(1)
})

process.on('disconnect', () => process.exit(0))
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())

/** No new requests; streams that run are given time to end. What is left goes on at another gateway, for who comes back. */
async function stop(): Promise<void> {
  stopping = true
  server.close()
  await batchRunner[Symbol.asyncDispose]()
  const deadlineMs = monotonicMs() + env.DRAIN_GRACE_MS
  do {
    // One that is kept alive is idle again after its answer.
    server.closeIdleConnections()
    await sleep(20)
  } while ((answering() > 0 || desk.unfinished > 0) && monotonicMs() < deadlineMs)
  server.closeAllConnections()
  clearInterval(limitsTold)
  await usageWriter[Symbol.asyncDispose]()
  await desk[Symbol.asyncDispose]()
  await limiter.leave()
  await database[Symbol.asyncDispose]()
  process.exit(0)
}

function addressOf({ socket, headers }: IncomingMessage) {
  const forwarded = headers['x-forwarded-for']
  return clientAddress({
    peer: socket.remoteAddress,
    forwardedFor: typeof forwarded === 'string' ? forwarded : forwarded?.join(','),
    trusted: env.TRUSTED_PROXIES,
  })
}

/** All gateways, this one among them. */
async function tellAll(subject: string): Promise<void> {
  nc.publish(subject)
  await nc.flush()
}

/** The broker may be on its way up: keep asking, and say so. */
async function connectBroker(): Promise<NatsConnection> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect({
        ...connectionOptions(env.NATS_URL),
        name: `gateway ${env.GATEWAY_NAME}`,
        maxReconnectAttempts: -1,
        // A user may be added, and its password changed, while we knock.
        ignoreAuthErrorAbort: true,
        // An `Error` made ahead for every request, just for its stack, was a tenth of a request's cost.
        noAsyncTraces: true,
        reconnectTimeWait: 100,
        reconnectJitter: 100,
        pingInterval: 5_000,
      })
    } catch (cause) {
      if (tries % 20 === 0) log.warn({ cause }, 'the broker does not answer yet')
      tell({ type: 'progress', text: 'waiting for the broker' })
      await sleep(250)
    }
  }
}

function healthOf(open: GatewayDesk, known: Database): Health {
  const registry = deskRegistry(open, usageWriter)
  return {
    parts: async () => ({
      broker: open.connected,
      database: await known.answers(),
      workers: open.roster.workers(monotonicMs()).length > 0,
    }),
    metrics: () => registry.metrics(),
  }
}
