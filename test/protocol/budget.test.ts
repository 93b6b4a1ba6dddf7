import { vi } from 'vitest'
import { openDb } from '../../db/client.ts'
import { budgetStore } from '../../db/money.ts'
import { createBudget, listBudgets } from '../../db/queries/budgets.ts'
import { addPrice, listPrices } from '../../db/queries/prices.ts'
import { callOff } from '../../edge/jobs/call-off.ts'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import { lastRecord as readRecord } from '../../edge/jobs/ledger.ts'
import type { Answer } from '../../edge/ports.ts'
import { startWorker, type WorkerFixture } from '../../infra/testing/start-worker.ts'
import { startDatabase } from '../../infra/testing/start-database.ts'
import type { NewBudget } from '../../proto/budget.ts'
import { decodeFrame, type Frame } from '../../proto/frame.ts'
import { newKeyId, type KeyId } from '../../proto/ids.ts'
import type { NewPrice } from '../../proto/price.ts'
import type { ChatJob } from '../../proto/job.ts'
import { echoJob, lastRecord, openDesk, oracle, test as base } from './desk-fixture.ts'
import { never } from './two-desks.ts'

const test = base
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await startDatabase()
    const db = openDb(database.url)
    onCleanup(async () => {
      await db.$client.end()
      await database[Symbol.asyncDispose]()
    })
    return db
  })
  .extend('admin', async ({ database }) => ({
    createBudget: (wanted: NewBudget) => createBudget(database, wanted),
    setPrice: (wanted: NewPrice) => addPrice(database, wanted),
    listBudgets: () => listBudgets(database),
    listPrices: () => listPrices(database),
  }))
  .extend('desk', async ({ nats, database }, { onCleanup }) => {
    const desk = await openDesk(nats.url('g1'), {
      budgets: budgetStore(async (query) => query(database)),
    })
    onCleanup(() => desk[Symbol.asyncDispose]())
    return desk
  })
  .extend('other', async ({ nats, database, desk }, { onCleanup }) => {
    const other = await openDesk(nats.url('g2'), {
      keep: true,
      budgets: budgetStore(async (query) => query(database)),
    })
    onCleanup(() => other[Symbol.asyncDispose]())
    await Promise.all([other.find('echo-20-0-0'), desk.find('echo-20-0-0')])
    return other
  })
  .extend('worker', async ({ nats, desk }, { onCleanup }) => {
    const worker = await startWorker({ natsUrl: nats.url('w1') })
    onCleanup(() => worker[Symbol.asyncDispose]())
    await desk.find('echo-20-0-0')
    return worker
  })
  .extend('budgetOf', async ({ admin, desk }) => {
    return async (wanted: Partial<NewBudget> & { cap: string }, ...others: GatewayDesk[]) => {
      const key = newKeyId()
      const made = await admin.createBudget({
        subject: key,
        unit: 'tokens',
        window: 'total',
        ...wanted,
      })
      for (const { desk: at } of [desk, ...others]) {
        at.treasury?.standings.refresh()
        await at.treasury?.standings.settled()
      }
      const now = async () => (await admin.listBudgets()).find(({ id }) => id === made.id)
      return { ...made, key, now }
    }
  })
  .extend('keep', async ({ admin, desk, budgetOf }) => {
    /** An answer that costs 23 is kept, and was paid from a budget of 1000: more jobs that ask for it. */
    return async (digit: string) => {
      const model = 'echo-23-0-0'
      const price = { prompt: '0', completion: '1000000', batchFactor: 1, replayFactor: 1 }
      await admin.setPrice({ ...price, model })
      const { key, now } = await budgetOf({ unit: 'money', cap: '1000' })
      const job = () => ({ ...jobFor(desk, key, model), caching: caching(digit) })
      await ask(desk, job())
      await vi.waitUntil(() => desk.desk.counts.remembered === 1)
      return { now, job }
    }
  })

const PATIENCE = { timeout: 10_000 }

async function idle({ url }: WorkerFixture): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return text.includes('\njune_worker_jobs_running 0')
}

/** The prompt "hi" is one token, and is held for as many as this before a worker says so. */
const BOUND = 302

const jobFor = (desk: GatewayDesk, key: KeyId, model = 'echo-2000-0-0'): ChatJob => ({
  ...echoJob(desk),
  key,
  model,
})

const caching = (digit: string) => ({
  hash: digit.repeat(64),
  maxAgeMs: 60_000,
  maxBytes: 100_000,
})

async function whole(answer: Answer): Promise<{ text: string; last: Frame | undefined }> {
  let text = ''
  let last: Frame | undefined
  for await (const frames of answer)
    for (const bytes of frames) {
      last = decodeFrame(bytes)
      text += last.kind === 'tokens' ? last.texts.join('') : ''
    }
  return { text, last }
}

const ask = async (desk: GatewayDesk, job: ChatJob) => whole(await desk.ask(job, { signal: never }))

test('an answer ends at the very token that its budget ends at, and says so to whoever reads it', async ({
  desk,
  worker,
  budgetOf,
  expect,
}) => {
  const cap = BOUND + 77
  const { key, id, now } = await budgetOf({ cap: String(cap) })
  const job = { ...jobFor(desk, key), reading: { resumable: true, includeUsage: false } }
  const { text, last } = await ask(desk, job)
  expect(text).toBe(oracle(cap - 1))
  expect(last).toMatchObject({ kind: 'end', finish: 'length', code: 'budget_exhausted' })
  expect(await lastRecord(desk, job.id)).toMatchObject({
    outcome: 'done',
    finish: 'length',
    code: 'budget_exhausted',
    usage: { promptTokens: 1, completionTokens: cap - 1 },
    paid: [{ budget: id, startMs: 0, gateway: desk.desk.gateway, amount: String(cap) }],
  })
  const again = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
  expect(await whole(again.answer)).toEqual({ text, last })
  await expect.poll(now, PATIENCE).toMatchObject({ spent: String(cap), leased: '0' })
  await expect.poll(() => idle(worker), PATIENCE).toBe(true)
  await expect(ask(desk, jobFor(desk, key))).rejects.toMatchObject({
    code: 'insufficient_quota',
    status: 429,
    shouldRetry: false,
    retryAfterMs: undefined,
  })
})

test('an answer that was cut by its budget is none to the same question, and a replay is charged at its price', async ({
  desk,
  worker,
  admin,
  budgetOf,
  expect,
}) => {
  const model = 'echo-30-0-0'
  await admin.setPrice({
    prompt: '0',
    completion: '1000000',
    batchFactor: 1,
    replayFactor: 0.5,
    model,
  })
  const poor = await budgetOf({ unit: 'money', cap: '7' })
  const cut = { ...jobFor(desk, poor.key, model), caching: caching('a') }
  expect((await ask(desk, cut)).text).toBe(oracle(7))
  const rich = await budgetOf({ unit: 'money', cap: '46' })
  const first = { ...jobFor(desk, rich.key, model), caching: caching('b') }
  expect((await ask(desk, first)).text).toBe(oracle(30))
  await expect.poll(() => desk.desk.counts.remembered, PATIENCE).toBe(1)
  const same = { ...jobFor(desk, rich.key, model), caching: caching('a') }
  expect(await desk.recall(same)).toBeUndefined()
  const again = { ...jobFor(desk, rich.key, model), caching: caching('b') }
  expect(await desk.recall(again)).toBeDefined()
  expect(await lastRecord(desk, again.id)).toMatchObject({ fromCache: true, cost: '15' })
  await expect.poll(rich.now, PATIENCE).toMatchObject({ spent: '45', leased: '0' })
  // One nano-unit is left, and a replay costs fifteen.
  const broke = { ...jobFor(desk, rich.key, model), caching: caching('b') }
  await expect(desk.recall(broke)).rejects.toMatchObject({ code: 'insufficient_quota' })
  expect(worker.said()).toBe('')
})

async function outcomeOf({ desk }: GatewayDesk, { id }: ChatJob): Promise<string | undefined> {
  const record = (await readRecord(desk, id))?.record
  return record?.type === 'final' ? record.outcome : undefined
}

const away = async (): Promise<never> => {
  throw new Error('the broker is away')
}

test.for([
  {
    what: 'cannot be kept for its reader',
    digit: 'c',
    resumable: true,
    put: away,
    // Nobody can have recorded its end.
    outcome: undefined,
    spent: '23',
  },
  {
    what: 'has no end on record',
    digit: 'd',
    resumable: false,
    put: away,
    outcome: 'cancelled',
    spent: '23',
  },
  {
    what: 'has an end on record of which nobody heard',
    digit: 'e',
    resumable: false,
    put: async (store: () => Promise<unknown>) => {
      await store()
      return away()
    },
    outcome: 'done',
    spent: '46',
  },
])(
  'the money of a replay comes back that $what',
  async ({ digit, resumable, put, outcome, spent }, { desk, worker, keep, expect }) => {
    const { now, job } = await keep(digit)
    const { store, treasury } = desk.desk
    const again = { ...job(), reading: { resumable, includeUsage: false } }
    const stored = store.put.bind(store)
    vi.spyOn(store, 'put').mockImplementationOnce((...args) => put(() => stored(...args)))
    await expect(desk.recall(again)).rejects.toMatchObject({ code: 'unavailable' })
    await expect.poll(() => treasury?.strays.size, PATIENCE).toBe(0)
    await expect.poll(now, PATIENCE).toMatchObject({ spent, leased: '0' })
    expect(await outcomeOf(desk, again)).toBe(outcome)
    expect(worker.said()).toBe('')
  },
)

test('a replay that somebody else ended is given to nobody, and costs nothing', async ({
  desk,
  worker,
  keep,
  expect,
}) => {
  const { now, job } = await keep('f')
  const again = job()
  expect(await callOff(desk.desk, again.id, again)).toBe(true)
  await expect(desk.recall(again)).rejects.toMatchObject({ code: 'unavailable' })
  await expect.poll(now, PATIENCE).toMatchObject({ spent: '23', leased: '0' })
  expect(worker.said()).toBe('')
})

test('what a budget lends and an answer does not use comes back', async ({
  desk,
  worker,
  budgetOf,
  expect,
}) => {
  const { key, now } = await budgetOf({ cap: String(BOUND + 100) })
  const twenty = () => jobFor(desk, key, 'echo-20-0-0')
  expect((await ask(desk, twenty())).last).toMatchObject({ finish: 'stop' })
  expect((await ask(desk, twenty())).text).toBe(oracle(20))
  expect(worker.said()).toBe('')
  await expect.poll(now, PATIENCE).toMatchObject({ spent: '42', leased: '0' })
})

test('of several budgets each must allow it, and each is charged its own', async ({
  desk,
  worker,
  admin,
  budgetOf,
  expect,
}) => {
  const model = 'echo-1000-0-0'
  // A token of an answer costs 1.5 nano-units, and one of a prompt nothing.
  const price = { prompt: '0', completion: '1500000', batchFactor: 0.5, replayFactor: 0 }
  await admin.setPrice({ ...price, model })
  const money = await budgetOf({ unit: 'money', cap: '100', window: 'month' })
  const tokens = await budgetOf({ cap: '100000', subject: money.key })
  const job = jobFor(desk, money.key, model)
  // 66 tokens cost 99, and 67 cost 100.5.
  expect((await ask(desk, job)).text).toBe(oracle(66))
  expect(await lastRecord(desk, job.id)).toMatchObject({ cost: '99', code: 'budget_exhausted' })
  expect(worker.said()).toBe('')
  await expect.poll(money.now, PATIENCE).toMatchObject({ spent: '99' })
  await expect.poll(tokens.now, PATIENCE).toMatchObject({ spent: '67' })
})

test('a prompt is counted for whoever has nothing left, and costs nothing', async ({
  desk,
  worker,
  admin,
  budgetOf,
  expect,
}) => {
  const model = 'echo-17-0-0'
  await admin.setPrice({
    prompt: '1000000',
    completion: '1000000',
    batchFactor: 1,
    replayFactor: 1,
    model,
  })
  const { key } = await budgetOf({ unit: 'money', cap: '0' })
  const job = jobFor(desk, key, model)
  const counting = { ...job, sampling: { ...job.sampling, maxTokens: 0 } }
  expect((await ask(desk, counting)).last).toMatchObject({ kind: 'end', promptTokens: 1 })
  expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'done', cost: '0' })
  await expect(ask(desk, jobFor(desk, key, model))).rejects.toMatchObject({
    code: 'insufficient_quota',
  })
  expect(worker.said()).toBe('')
})

test('a request that nobody has to pay for knows nothing of budgets', async ({
  desk,
  worker,
  budgetOf,
  expect,
}) => {
  await budgetOf({ cap: '0' })
  const job = jobFor(desk, newKeyId(), 'echo-20-0-0')
  expect((await ask(desk, job)).text).toBe(oracle(20))
  expect(await lastRecord(desk, job.id)).not.toHaveProperty('paid')
  expect(worker.said()).toBe('')
})
