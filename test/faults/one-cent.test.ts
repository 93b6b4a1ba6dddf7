import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { test as base, vi } from 'vitest'
import { openDb } from '../../db/client.ts'
import { createBudget, listBudgets } from '../../db/queries/budgets.ts'
import { createKey } from '../../db/queries/keys.ts'
import { addPrice } from '../../db/queries/prices.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { startDatabase } from '../../infra/testing/start-database.ts'
import { startNats } from '../../infra/testing/start-nats.ts'
import { startWorker } from '../../infra/testing/start-worker.ts'
import { echoToken } from '../../proto/echo.ts'
import { LedgerRecord, type Final } from '../../proto/ledger.ts'
import { startChild, type Child } from '../contract/child.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const GATEWAYS = ['g1', 'g2', 'g3'] as const
const WORKERS = ['w1', 'w2'] as const
/** `JUNE_STREAMS=1000` for more of it. */
// oxlint-disable-next-line node/no-process-env -- a test has no main that could hand it over
const STREAMS = Number(process.env['JUNE_STREAMS'] ?? 200)

/** One cent of a currency whose unit is 1e9 nano-units. */
const CENT = 10_000_000
/** Of a token of an answer, in nano-units. The cent pays for a third of what is asked for. */
const TOKEN = Math.round(CENT / (STREAMS * 50))
const MODEL = 'echo-150-1-0'

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ gateways: GATEWAYS, workers: WORKERS })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('bank', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await startDatabase()
    const db = openDb(database.url, { connections: 1 })
    onCleanup(async () => {
      await db.$client.end()
      await database[Symbol.asyncDispose]()
    })
    const { key, apiKey } = await createKey(db, { name: 'one cent', requestsPerMinute: 1_000_000 })
    const million = 1_000_000
    await addPrice(db, {
      model: '*',
      prompt: String(million),
      completion: String(TOKEN * million),
      batchFactor: 0.5,
      replayFactor: 0,
    })
    const { id } = await createBudget(db, {
      subject: key.id,
      unit: 'money',
      window: 'total',
      cap: String(CENT),
    })
    const budget = async () => {
      const found = (await listBudgets(db)).find((one) => one.id === id)
      return { spent: Number(found?.spent), leased: Number(found?.leased) }
    }
    return { url: database.url, apiKey, budget }
  })
  .extend('gateways', { scope: 'file' }, async ({ nats, bank }, { onCleanup }) => {
    const gateways = await Promise.all(
      GATEWAYS.map((name) =>
        startChild(new URL('../../edge/node/main.ts', import.meta.url), {
          GATEWAY_NAME: name,
          HOST: '127.0.0.1',
          PORT: '0',
          NATS_URL: nats.url(name),
          DATABASE_URL: bank.url,
          LOG_LEVEL: 'error',
        }),
      ),
    )
    onCleanup(async () => {
      for (const gateway of gateways) await gateway.end('SIGKILL')
    })
    return gateways
  })
  .extend('workers', { scope: 'file' }, async ({ nats }, { onCleanup }) => {
    const workers = await Promise.all(
      WORKERS.map((name) => startWorker({ natsUrl: nats.url(name), env: { LOG_LEVEL: 'error' } })),
    )
    onCleanup(async () => {
      for (const worker of workers) await worker[Symbol.asyncDispose]()
    })
    return workers
  })
  .extend('finals', { scope: 'file' }, async ({ nats }, { onCleanup }) => {
    const nc = await connect(connectionOptions(nats.operatorUrl))
    onCleanup(() => nc.close())
    const jsm = await jetstreamManager(nc)
    return async (): Promise<Map<string, Final>> => {
      const finals = new Map<string, Final>()
      const { state } = await jsm.streams.info('LEDGER')
      for (let seq = 1; seq <= state.last_seq; seq++) {
        const message = await jsm.direct.getMessage('LEDGER', { seq })
        const record = LedgerRecord.parse(message?.json())
        if (record.type === 'final') finals.set(message?.subject.split('.')[1] ?? '', record)
      }
      return finals
    }
  })

interface Stream {
  status: number
  job: string | null
  seed: number
  text: string
  /** Nothing where it broke off. */
  finish: string | undefined
}

async function ask({ url }: Child, apiKey: string, seed: number): Promise<Stream> {
  const told: Stream = { status: 0, job: null, seed, text: '', finish: undefined }
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'x-stream-resume': '1',
      },
      body: JSON.stringify({
        model: MODEL,
        seed,
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
      }),
    })
    told.status = response.status
    told.job = response.headers.get('x-generation-id')
    for (const event of (await response.text()).split('\n\n')) {
      const json = /^data: (\{.*"choices":.*\})$/m.exec(event)?.[1]
      if (!json) continue
      const [choice] = JSON.parse(json).choices
      told.text += choice?.delta.content ?? ''
      told.finish ??= choice?.finish_reason ?? undefined
    }
  } catch {
    // Its gateway was killed.
  }
  return told
}

const oracle = (seed: number, tokens: number): string =>
  Array.from({ length: tokens }, (_, i) => echoToken(seed, i).text).join('')

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
const paidIn = ({ paid = [] }: Final): number => sum(paid.map(({ amount }) => Number(amount)))

test(`${STREAMS} streams at three gateways, one of which is killed, spend one cent and no more`, async ({
  gateways,
  workers,
  bank,
  finals,
  expect,
}) => {
  const [first, second, victim] = gateways as [Child, Child, Child]
  await expect
    .poll(async () => (await fetch(`${second.url}/ready`)).status, { timeout: 20_000 })
    .toBe(200)
  const seen: number[] = []
  const look = async () => {
    const { spent, leased } = await bank.budget()
    seen.push(spent + leased)
  }
  const watch = setInterval(() => void look(), 50)
  const asked = Array.from({ length: Math.round(STREAMS / 3) }, (_, i) => [
    ask(first, bank.apiKey, 4 * i + 1),
    ask(second, bank.apiKey, 4 * i + 2),
    ask(victim, bank.apiKey, 4 * i + 3),
  ]).flat()
  // In the middle of it.
  await Promise.any(asked)
  await victim.end('SIGKILL')
  const streams = await Promise.all(asked)
  // What the dead one held comes back, and what it had spent is counted.
  await expect.poll(async () => (await bank.budget()).leased, { timeout: 30_000 }).toBe(0)
  // Those who come now find what is left, to the last token.
  const late: Stream[] = []
  while (late.every(({ status }) => status === 200))
    late.push(await ask(second, bank.apiKey, 10_000 + late.length))
  await expect.poll(async () => (await bank.budget()).leased, { timeout: 15_000 }).toBe(0)
  clearInterval(watch)

  const ended = await finals()
  const { spent } = await bank.budget()
  expect(spent).toBeLessThanOrEqual(CENT)
  expect(Math.max(...seen)).toBeLessThanOrEqual(CENT)
  // The prompt of the last refused one is held for as long as it could be.
  expect(CENT - spent).toBeLessThan(TOKEN + 302)
  expect(sum([...ended.values()].map(paidIn))).toBe(spent)
  expect(sum([...ended.values()].map(({ cost }) => Number(cost)))).toBe(spent)

  const whole = [...streams, ...late].filter(({ finish }) => finish !== undefined)
  expect(whole.length).toBeGreaterThan(STREAMS / 3)
  for (const { seed, job, text, finish } of whole) {
    const final = finalOf(ended, job)
    expect(text).toBe(oracle(seed, final.usage.completionTokens))
    expect(final).toMatchObject({ outcome: 'done', finish })
    expect([finish, final.code]).toEqual(endingOf(final))
  }
  // No stream was left in between: of those whose reader was cut off, too.
  const endings = [...ended.values()].map((final) => [final.finish, final.code])
  expect(endings).toEqual([...ended.values()].map(endingOf))
  expect(late.at(-1)?.status).toBe(429)
  expect(workers.map(({ said }) => said())).toEqual(['', ''])
})

function finalOf(ended: ReadonlyMap<string, Final>, job: string | null): Final {
  const final = ended.get(job ?? '')
  if (!final) throw new Error(`${job} has no end`)
  return final
}

/** It is whole, or it ended with the money. */
const endingOf = ({ usage, code }: Final) =>
  usage.completionTokens === 150 && !code ? ['stop', undefined] : ['length', 'budget_exhausted']
