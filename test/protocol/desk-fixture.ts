import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { test as base } from 'vitest'
import type { BudgetStore } from '../../edge/budget/store.ts'
import { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { Answer, Log } from '../../edge/ports.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { applyStreams, ensureConsumer } from '../../infra/nats/streams.ts'
import { startNats } from '../../infra/testing/start-nats.ts'
import { echoToken } from '../../proto/echo.ts'
import { decodeFrame } from '../../proto/frame.ts'
import { newJobId, newNonce, type GatewayId, type JobId } from '../../proto/ids.ts'
import type { ChatJob } from '../../proto/job.ts'
import { LedgerRecord } from '../../proto/ledger.ts'
import { HandWorker } from './hand-worker.ts'

export const SEED = 42

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** `test` with a real broker a file, and a gateway's desk with two workers played by hand a test. */
export const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startNats({ gateways: ['g1', 'g2'], workers: ['w1', 'w2'] })
    onCleanup(() => server[Symbol.asyncDispose]())
    return server
  })
  .extend('desk', async ({ nats }, { onCleanup }) => {
    const desk = await openDesk(nats.url('g1'))
    onCleanup(() => desk[Symbol.asyncDispose]())
    return desk
  })
  .extend('w1', async ({ nats, desk }, { onCleanup }) => {
    const worker = await HandWorker.connect(nats.url('w1'))
    onCleanup(() => worker[Symbol.asyncDispose]())
    await desk.find('echo-20-0-0')
    return worker
  })
  .extend('w2', async ({ nats, desk }, { onCleanup }) => {
    const worker = await HandWorker.connect(nats.url('w2'))
    onCleanup(() => worker[Symbol.asyncDispose]())
    await desk.find('echo-20-0-0')
    return worker
  })

export async function openDesk(
  url: string,
  { keep = false, ...options }: { fenced?: boolean; keep?: boolean; budgets?: BudgetStore } = {},
): Promise<GatewayDesk> {
  const nc = await connect(connectionOptions(url))
  await applyStreams(nc)
  const jsm = await jetstreamManager(nc)
  // What an earlier test left in the queue is not this one's to claim.
  if (!keep) await jsm.streams.purge('JOBS')
  const gateway = `${new URL(url).username}-${newNonce()}` as GatewayId
  return GatewayDesk.open({
    nc,
    inboxPrefix: connectionOptions(url).inboxPrefix,
    gateway,
    log: quiet,
    ensureQueue: (queue) => ensureConsumer(jsm, queue),
    ensureStreams: () => applyStreams(nc),
    ...options,
  })
}

export function echoJob(desk: GatewayDesk, deadlineMs = 60_000): ChatJob {
  const now = Date.now()
  return {
    id: newJobId(),
    kind: 'chat',
    model: 'echo-20-0-0',
    gateway: desk.desk.gateway,
    tenant: 'proj_test',
    key: 'key_test',
    priority: 'default',
    admittedAtMs: now,
    deadlineAtMs: now + deadlineMs,
    reading: { resumable: false, includeUsage: false },
    messages: [{ role: 'user', text: 'hi' }],
    sampling: {
      temperature: 0,
      topP: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      seed: SEED,
      maxTokens: null,
      stop: [],
    },
  }
}

/** What the reader was shown, token by token, to the end of the answer. */
export async function read(answer: Answer): Promise<string> {
  let text = ''
  for await (const frames of answer)
    for (const bytes of frames) {
      const frame = decodeFrame(bytes)
      if (frame.kind === 'tokens') text += frame.texts.join('')
    }
  return text
}

export const oracle = (tokens: number): string =>
  Array.from({ length: tokens }, (_, i) => echoToken(SEED, i).text).join('')

export async function lastRecord(desk: GatewayDesk, id: JobId): Promise<LedgerRecord> {
  const message = await desk.desk.jsm.direct.getMessage('LEDGER', { last_by_subj: `ledger.${id}` })
  return LedgerRecord.parse(message?.json())
}

export async function jobsLeft(desk: GatewayDesk): Promise<number> {
  const { state } = await desk.desk.jsm.streams.info('JOBS')
  return state.messages
}
