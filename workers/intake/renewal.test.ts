import { test as base } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import type { Queue } from '../../proto/subjects.ts'
import { grantOf, HandGateway } from './testing/hand-gateway.ts'
import { openStage } from './testing/open-stage.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const queues = names.flatMap((name): Queue[] => [
  { kind: 'chat', name },
  { kind: 'duplex', name },
])
const RENEW_MS = 200

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ gateways: ['g1', 'g2'], workers: names, queues })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('starving', { scope: 'file' }, ({ nats }) => {
    const left = [...names]
    /** A run that has used up its credit of two. */
    return async (kind: Queue['kind'] = 'chat') => {
      const name = left.shift() ?? ''
      const queue = { kind, name }
      const options = { url: nats.url, worker: name, queue, slots: 1, renewAfterMs: RENEW_MS }
      const it = await openStage(options)
      const { gateway, lane } = it
      const grant = grantOf({ credit: 2 })
      gateway.answer = () => grant
      const job = await gateway.offer(queue)
      const run = await lane.nth(0)
      run.tokens(0, 2)
      return { ...it, grant, job, run }
    }
  })

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a run without credit asks again with the same claim, and waits while it is held', async ({
  starving,
  expect,
}) => {
  await using it = await starving()
  const { gateway, run } = it
  gateway.answer = () => ({ go: false, why: 'held' })
  await expect.poll(() => gateway.asked.length).toBe(3)
  expect(new Set(gateway.asked.map(({ claim }) => JSON.stringify(claim))).size).toBe(1)
  expect(gateway.asked.every(({ whom }) => whom === gateway.id)).toBe(true)
  expect(run.signal.aborted).toBe(false)
})

test('a run with credit left asks nothing, however long it takes', async ({ starving, expect }) => {
  await using it = await starving()
  const { gateway, worker, grant, job, run } = it
  const { epoch, secret } = grant
  gateway.control(worker, { type: 'credit', job, epoch, secret, upTo: 10 })
  await expect.poll(() => run.upTo).toBe(10)
  await pause(4 * RENEW_MS)
  expect(gateway.asked).toHaveLength(1)
})

test('any refusal but "held" frees the slot', async ({ starving, expect }) => {
  await using it = await starving()
  const { gateway, run, queue } = it
  gateway.answer = () => ({ go: false, why: 'done' })
  await expect.poll(() => run.signal.aborted).toBe(true)
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(1)
})

test('a gateway that died holds no slot', async ({ nats, starving, expect }) => {
  await using it = await starving()
  await it.gateway.die()
  await expect.poll(() => it.run.signal.aborted, { timeout: 3_000 }).toBe(true)
  await using other = await HandGateway.open(nats.url('g2'))
  await expect.poll(async () => (await other.queueState(it.queue)).pulls).toBe(1)
  expect(it.counts.claims.silence).toBe(1)
})

test('a gateway that adopted the job keeps the run', async ({ nats, starving, expect }) => {
  await using it = await starving()
  await using other = await HandGateway.open(nats.url('g2'))
  other.hearClaims('any')
  other.answer = () => ({ go: false, why: 'held' })
  await it.gateway.die()
  await expect.poll(() => other.asked.length, { timeout: 3_000 }).toBeGreaterThan(1)
  const { job, grant, worker, run } = it
  const { epoch, secret } = grant
  other.control(worker, { type: 'credit', job, epoch, secret, upTo: 66 })
  await expect.poll(() => run.upTo).toBe(66)
  expect(run.signal.aborted).toBe(false)
})

test('the same grant again brings the credit that was lost', async ({ starving, expect }) => {
  await using it = await starving()
  const { gateway, run, lane, grant } = it
  gateway.answer = () => ({ ...grant, credit: 40 })
  await expect.poll(() => run.upTo).toBe(40)
  expect([lane.runs.length, run.signal.aborted]).toEqual([1, false])
})

test('a newer grant in answer is run in place of the old', async ({ starving, expect }) => {
  await using it = await starving()
  const { gateway, run, lane, job } = it
  gateway.answer = () => grantOf({ epoch: 2, from: 1, prefix: [0] })
  await expect.poll(() => lane.runs.length).toBe(2)
  expect(run.signal.aborted).toBe(true)
  lane.runs[1]?.tokens(1, 1)
  lane.runs[1]?.end()
  await expect
    .poll(() => gateway.heard(job).map(({ epoch, seq, kind }) => [epoch, seq, kind]))
    .toEqual([
      [1, 0, 'tokens'],
      [2, 1, 'tokens'],
      [2, 2, 'end'],
    ])
})

test('a run that waits for input asks too', async ({ starving, expect }) => {
  await using it = await starving('duplex')
  const { gateway, worker, grant, job, run } = it
  const { epoch, secret } = grant
  gateway.control(worker, { type: 'credit', job, epoch, secret, upTo: 10 })
  gateway.answer = () => ({ go: false, why: 'unknown' })
  gateway.hearClaims('any')
  await expect.poll(() => run.signal.aborted, { timeout: 3_000 }).toBe(true)
  expect(gateway.asked.map(({ whom }) => whom)).toEqual([
    gateway.id,
    gateway.id,
    'any',
    'any',
    'any',
  ])
})
