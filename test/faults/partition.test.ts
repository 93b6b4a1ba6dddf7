import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test as base } from 'vitest'
import { canPartition, openNetwork, type Cut } from '../../infra/testing/network.ts'
import { startBroker } from '../../infra/testing/start-broker.ts'
import { startStack } from '../../infra/testing/start-stack.ts'
import { startWorker } from '../../infra/testing/start-worker.ts'
import { Observer, until } from './observer.ts'
import { oneAtEach, start, startMany, wrongAmong } from './running.ts'
import { clientOf, countOf, oracle } from './stack.ts'

const WORKERS = ['w1', 'w2', 'w3', 'w4'] as const
type WorkerName = (typeof WORKERS)[number]

/** The broker and each worker on a machine of its own, and the gateway on this one. */
const test = base
  .extend('net', { scope: 'file' }, async ({}, { onCleanup }) => {
    const net = await openNetwork(['broker', ...WORKERS])
    onCleanup(() => net[Symbol.asyncDispose]())
    return net
  })
  .extend('broker', { scope: 'file' }, async ({ net }, { onCleanup }) => {
    const dir = await mkdtemp(join(tmpdir(), 'june-broker-'))
    const broker = await startBroker({ host: net.hosts.broker, port: 4222, dir, workers: WORKERS })
    onCleanup(async () => {
      await broker[Symbol.asyncDispose]()
      await rm(dir, { recursive: true })
    })
    return broker
  })
  .extend('stack', { scope: 'file' }, async ({ net, broker }, { onCleanup }) => {
    const [stack, ...workers] = await Promise.all([
      startStack({ workers: 0, env: { NATS_URL: broker.url('g1') } }),
      ...WORKERS.map((id) =>
        startWorker({ natsUrl: broker.url(id), within: net.hosts[id].within }),
      ),
    ])
    onCleanup(async () => {
      for (const part of [stack, ...workers]) await part[Symbol.asyncDispose]()
    })
    return stack
  })
  .extend('observer', { scope: 'file' }, async ({ broker, stack }, { onCleanup }) => {
    void stack
    const observer = await Observer.at(broker.url('operator'))
    onCleanup(() => observer[Symbol.asyncDispose]())
    return observer
  })
  .extend('openai', async ({ stack }) => clientOf(stack))

test.beforeAll(({ observer }) => observer.up(WORKERS))

test.afterEach(({ net }) => net.heal())

const CUTS: readonly Cut[] = ['out', 'in', 'both']

describe.skipIf(!(await canPartition()))('a partition', () => {
  test('of workers from the broker, of what they say, what they hear or both, is not seen in the text', async ({
    net,
    stack,
    observer,
    openai,
    expect,
  }) => {
    const stale = await countOf(stack, 'stale')
    const wanted = { from: 100, model: 'echo-250-20-0' }
    const { all, each } = await oneAtEach(CUTS.length, { openai, observer }, wanted)
    for (const [i, cut] of CUTS.entries()) {
      await each[i]?.answer.seen(5)
      const dropped = await net.dropped()
      await net.cut(each[i]?.worker as WorkerName, cut)
      await until('lost packets', async () => (await net.dropped()) > dropped + 2)
    }
    await sleep(3_000)
    await net.heal()

    expect(await wrongAmong(all, 250)).toEqual([])
    for (const { worker, answer } of each) {
      const { spans } = await observer.final(answer.job)
      expect(spans.length).toBeGreaterThan(1)
      expect(spans[0]?.worker).toBe(worker)
    }
    // What the kernels had kept of the old holders' words came after all, and was not believed.
    expect(await countOf(stack, 'stale')).toBeGreaterThan(stale)
    await observer.up(WORKERS)
    await observer.idle(WORKERS)
  })

  test('that outlasts a worker’s pings: it comes back on another connection, with all of its slots', async ({
    net,
    observer,
    openai,
    expect,
  }) => {
    const answer = await start(openai, { model: 'echo-100-20-0', seed: 140 })
    await answer.seen(5)
    const worker = (await observer.holder(answer.job)) as WorkerName
    const before = observer.beatOf(worker)
    const dropped = await net.dropped()
    await net.cut(worker, 'both')
    expect(await answer.whole).toBe(oracle(140, 100))
    await sleep(9_000)
    expect(await net.dropped()).toBeGreaterThan(dropped + 5)
    await net.cut(worker, 'none')
    await until(
      'another connection',
      () => observer.beatOf(worker)?.connection !== before?.connection,
    )
    expect(observer.beatOf(worker)?.nonce).toBe(before?.nonce)
    await observer.idle(WORKERS)
  })

  test.for([
    {
      title: 'for 3 s, and then four times for half a second',
      cuts: [3_000, 500, 500, 500, 500],
      tokens: 250,
    },
    // Longer than two pings of its own.
    { title: 'for 16 s', cuts: [16_000], tokens: 100 },
  ])(
    'of the gateway from the broker $title is not seen in the text',
    async ({ cuts, tokens }, { net, observer, openai, expect }) => {
      const running = await startMany(openai, { count: 8, from: 150, model: `echo-${tokens}-20-0` })
      await Promise.all(running.map(({ seen }) => seen(5)))
      for (const forMs of cuts) {
        const dropped = await net.dropped()
        await net.cut('here', 'both')
        await sleep(forMs)
        expect(await net.dropped()).toBeGreaterThan(dropped)
        await net.cut('here', 'none')
        await sleep(500)
      }
      expect(await wrongAmong(running, tokens)).toEqual([])
      for (const { job } of running)
        expect(await observer.final(job)).toMatchObject({
          outcome: 'done',
          usage: { completionTokens: tokens },
        })
      await observer.up(WORKERS)
      await observer.idle(WORKERS)
    },
  )
})
