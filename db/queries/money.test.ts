import { test as base } from 'vitest'
import { startDatabase } from '../../infra/testing/start-database.ts'
import type { NewBudget } from '../../proto/budget.ts'
import type { NewPrice } from '../../proto/price.ts'
import { newGatewayId, newKeyId, GatewayName } from '../../proto/ids.ts'
import { openDb } from '../client.ts'
import { budgetStore } from '../money.ts'
import { createBudget, listBudgets } from './budgets.ts'
import { addPrice, listPrices } from './prices.ts'

const test = base
  .extend('db', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await startDatabase()
    const db = openDb(database.url)
    onCleanup(async () => {
      await db.$client.end()
      await database[Symbol.asyncDispose]()
    })
    return db
  })
  .extend('admin', async ({ db }) => ({
    createBudget: (wanted: NewBudget) => createBudget(db, wanted),
    setPrice: (wanted: NewPrice) => addPrice(db, wanted),
    listBudgets: () => listBudgets(db),
    listPrices: () => listPrices(db),
  }))
  .extend('store', async ({ db }) => budgetStore(async (query) => query(db)))

const gateway = () => newGatewayId(GatewayName.parse('g1'))

test('of many who lease at once, all together get no more than the cap', async ({
  admin,
  store,
  expect,
}) => {
  const { id } = await admin.createBudget({
    subject: newKeyId(),
    unit: 'money',
    window: 'total',
    cap: '1000',
  })
  const asks = Array.from({ length: 20 }, () => ({
    budget: id,
    startMs: 0,
    gateway: gateway(),
    need: 90n,
    want: 500n,
  }))
  const leased = await Promise.all(asks.map((ask) => store.lease(ask)))
  const total = leased.reduce((sum, { granted }) => sum + granted, 0n)
  expect(total).toBe(1000n)
  expect((await admin.listBudgets()).find((budget) => budget.id === id)).toMatchObject({
    spent: '0',
    leased: '1000',
  })
})

test('what is counted moves from leases to what was spent, once; the rest goes back', async ({
  admin,
  store,
  expect,
}) => {
  const { id } = await admin.createBudget({
    subject: newKeyId(),
    unit: 'tokens',
    window: 'total',
    cap: '1000',
  })
  const [one, two] = [gateway(), gateway()]
  const ask = { budget: id, startMs: 0, need: 400n, want: 400n }
  await store.lease({ ...ask, gateway: one })
  await store.lease({ ...ask, gateway: two })
  const paid = [
    { budget: id, startMs: 0, gateway: one, amount: '70' },
    { budget: id, startMs: 0, gateway: two, amount: '5' },
  ]
  const step = { from: 0, to: 9, paid }
  expect(await Promise.all([store.count(step), store.count(step)])).toEqual(
    expect.arrayContaining([true, false]),
  )
  const used = async () => (await admin.listBudgets()).find((budget) => budget.id === id)
  expect(await used()).toMatchObject({ spent: '75', leased: '725' })
  await store.giveBack(one, [{ budget: id, startMs: 0, amount: '330' }])
  expect(await used()).toMatchObject({ spent: '75', leased: '395' })
  expect(await store.counted()).toMatchObject({ ledgerSeq: 9 })
})

test('a lease is closed only once it was not renewed in time', async ({
  admin,
  store,
  db,
  expect,
}) => {
  const { id } = await admin.createBudget({
    subject: newKeyId(),
    unit: 'tokens',
    window: 'total',
    cap: '10',
  })
  const late = gateway()
  await store.lease({ budget: id, startMs: 0, gateway: late, need: 10n, want: 10n })
  await store.close(late)
  const used = async () => (await admin.listBudgets()).find((budget) => budget.id === id)
  expect(await used()).toMatchObject({ leased: '10' })
  expect(await store.lapsed()).not.toContain(late)
  await db.$client`update budget_leases set leased_until = now() - interval '1 second' where gateway = ${late}`
  expect(await store.lapsed()).toContain(late)
  await store.renew(late)
  expect(await store.lapsed()).not.toContain(late)
  await db.$client`update budget_leases set leased_until = now() - interval '1 second' where gateway = ${late}`
  await store.close(late)
  expect(await used()).toMatchObject({ leased: '0' })
})

test('a price is never changed once its time has come', async ({ admin, expect }) => {
  const price = {
    model: 'a model',
    prompt: '1',
    completion: '2',
    batchFactor: 0.5,
    replayFactor: 0,
  }
  const past = new Date(Date.now() - 1_000).toISOString()
  const future = new Date(Date.now() + 3_600_000).toISOString()
  expect(await admin.setPrice({ ...price, from: past })).toBeUndefined()
  expect(await admin.setPrice(price)).toMatchObject({ cached: '1' })
  await admin.setPrice({ ...price, from: future })
  await admin.setPrice({ ...price, prompt: '3', from: future })
  expect((await admin.listPrices()).map(({ prompt }) => prompt)).toEqual(['1', '3'])
})
