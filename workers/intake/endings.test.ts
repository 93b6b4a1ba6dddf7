import { test as base } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import type { Queue } from '../../proto/subjects.ts'
import { grantOf, HandGateway } from './testing/hand-gateway.ts'
import { openStage } from './testing/open-stage.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const queues = names.map((name): Queue => ({ kind: 'chat', name }))

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ gateways: ['g1', 'g2'], workers: names, queues })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('running', { scope: 'file' }, ({ nats }) => {
    const left = [...names]
    /** A worker with one run, which has said two tokens, and one free slot. */
    return async () => {
      const name = left.shift() ?? ''
      const queue: Queue = { kind: 'chat', name }
      const it = await openStage({ url: nats.url, worker: name, queue })
      const { gateway, lane } = it
      gateway.answer = () => grantOf()
      const job = await gateway.offer(queue)
      const run = await lane.nth(0)
      run.tokens(0, 2)
      while (gateway.heard(job).length === 0) await pause(2)
      return { ...it, job, run }
    }
  })

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a drain takes its pulls back and lets what runs end', async ({ running, expect }) => {
  await using it = await running()
  const { intake, gateway, queue, run, job } = it
  let drained = false
  const drain = intake.drain(5_000).then(() => (drained = true))
  await pause(50)
  const late = await gateway.offer(queue)
  await pause(200)
  // It was not even delivered: another worker has it at once.
  expect((await gateway.queueState(queue)).waiting).toBe(1)
  expect(gateway.asked.map((asked) => asked.job)).not.toContain(late)
  expect(drained).toBe(false)
  run.tokens(2, 1)
  run.end()
  await drain
  await gateway.nc.flush()
  await expect
    .poll(() => gateway.heard(job).map(({ seq, kind }) => [seq, kind]))
    .toEqual([
      [0, 'tokens'],
      [2, 'tokens'],
      [3, 'end'],
    ])
  expect(it.counts.jobs).toEqual({ done: 1, failed: 0, stopped: 0 })
})

test('what outlives the grace is stopped without a word', async ({ running, expect }) => {
  await using it = await running()
  const startedAtMs = performance.now()
  await it.intake.drain(300)
  expect(performance.now() - startedAtMs).toBeGreaterThan(280)
  expect(performance.now() - startedAtMs).toBeLessThan(1_500)
  expect(it.run.signal.aborted).toBe(true)
  await pause(50)
  expect(it.gateway.heard(it.job).map(({ kind }) => kind)).toEqual(['tokens'])
  expect(it.intake.running()).toBe(0)
})

test('a grant that comes after the grace starts nothing', async ({ running, expect }) => {
  await using it = await running()
  const { gateway, queue, lane, intake, counts } = it
  gateway.answer = () => undefined
  const { promise: heard, resolve: asked } = Promise.withResolvers<void>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  gateway.nc.subscribe(`claim.${gateway.id}.*.*`, {
    callback: (_, message) => {
      asked()
      void answered.then(() => message.respond(JSON.stringify(grantOf())))
    },
  })
  await gateway.offer(queue)
  await heard
  await intake.drain(100)
  answer()
  await expect.poll(() => counts.claims.go).toBe(2)
  expect(lane.runs).toHaveLength(1)
})

test('what outlives the grace is not held up by a gateway that is silent on an offer', async ({
  running,
  expect,
}) => {
  await using it = await running()
  const { gateway, queue, intake, counts, run } = it
  gateway.answer = () => undefined
  await gateway.offer(queue)
  await expect.poll(() => gateway.asked.length).toBe(2)
  await intake.drain(0)
  expect(run.signal.aborted).toBe(true)
  // Drained while that claim still waits for its answer.
  expect(counts.claims.silence).toBe(0)
})

test('a drain asks nobody else for an offer that its gateway is silent on', async ({
  running,
  expect,
}) => {
  await using it = await running()
  const { gateway, queue, intake } = it
  gateway.hearClaims('any')
  gateway.answer = () => undefined
  await gateway.offer(queue)
  await expect.poll(() => gateway.asked.length).toBe(2)
  await intake.drain(0)
  await expect.poll(() => it.counts.claims.silence).toBe(1)
  expect(gateway.asked).toHaveLength(2)
})

test('a lost connection stops what ran, and pulls again once it is back', async ({
  running,
  expect,
}) => {
  await using it = await running()
  const { link, lane, gateway, queue, run } = it
  const before = link.connection
  await link.nc.reconnect()
  await expect.poll(() => run.signal.aborted).toBe(true)
  await expect.poll(() => link.up).toBe(true)
  expect(link.connection).not.toBe(before)
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(2)
  await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(2)
  expect(gateway.asked.at(-1)?.claim.connection).toBe(link.connection)
})

test('a grant asked for on a connection that was lost starts nothing', async ({
  running,
  expect,
}) => {
  await using it = await running()
  const { link, lane, gateway, queue } = it
  gateway.hearClaims('any')
  gateway.answer = () => undefined
  await gateway.offer(queue)
  await expect.poll(() => gateway.asked.length).toBe(2)
  gateway.answer = () => grantOf()
  await link.nc.reconnect()
  await expect.poll(() => link.up).toBe(true)
  await pause(2_000)
  expect(lane.runs).toHaveLength(1)
  expect(gateway.asked).toHaveLength(2)
})

test('a broker that dies and comes back finds the worker pulling', async ({
  nats,
  running,
  expect,
}) => {
  await using it = await running()
  const { link, lane, run, queue } = it
  await nats.restart('SIGKILL')
  await expect.poll(() => run.signal.aborted).toBe(true)
  await expect.poll(() => link.up, { timeout: 5_000 }).toBe(true)
  await using gateway = await HandGateway.open(nats.url('g2'))
  gateway.answer = () => grantOf()
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(2)
  await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(2)
  expect(nats.pid()).toBeGreaterThan(0)
})
