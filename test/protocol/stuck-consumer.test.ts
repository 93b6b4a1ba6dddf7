import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, vi } from 'vitest'
import { z } from 'zod'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import { LOOKS, StuckConsumers } from '../../edge/jobs/stuck-consumer.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { ensureConsumer } from '../../infra/nats/streams.ts'
import { stateOf } from '../../infra/testing/processes.ts'
import { startNats, type NatsFixture } from '../../infra/testing/start-nats.ts'
import { echoJob, jobsLeft, lastRecord, openDesk, oracle, read, test } from './desk-fixture.ts'
import { HandWorker } from './hand-worker.ts'

const ECHO = { kind: 'chat', name: 'echo' } as const
const CONSUMER = 'chat-echo'
const never = new AbortController().signal
const isOf210 = ({ desk }: GatewayDesk): boolean =>
  desk.nc.info?.version.startsWith('2.10.') === true
const quiet = { info: () => {}, warn: () => {}, error: () => {} }

/** Looks often enough to be sure, on a clock that is not waited for. */
async function looks(
  jsm: JetStreamManager,
  told: (info: ConsumerInfo) => ConsumerInfo = (info) => info,
): Promise<number> {
  let recreated = 0
  const consumers = {
    info: async (stream: string, name: string) => told(await jsm.consumers.info(stream, name)),
    delete: jsm.consumers.delete.bind(jsm.consumers),
  }
  const stuck = new StuckConsumers({
    jsm: { consumers, streams: jsm.streams },
    ensureQueue: (queue) => ensureConsumer(jsm, queue),
    log: quiet,
    recreated: () => recreated++,
  })
  for (let i = 0; i < LOOKS; i++) await stuck.look([ECHO], 10_000 * i)
  return recreated
}

const Varz = z.object({ jetstream: z.object({ config: z.object({ store_dir: z.string() }) }) })

/** The server dies, and the file of JOBS is lost: its consumer remembers more than there is. */
async function loseJobs(nats: NatsFixture): Promise<void> {
  const varz = await fetch(`${nats.monitorUrl}/varz`)
  const { store_dir } = Varz.parse(await varz.json()).jetstream.config
  const pid = nats.pid()
  nats.signal('SIGKILL')
  await vi.waitFor(async () => {
    if ((await stateOf(pid)) !== undefined) throw new Error('the server is still there')
  })
  const dir = join(store_dir, 'EDGE', 'streams', 'JOBS', 'msgs')
  for (const file of await readdir(dir)) await rm(join(dir, file))
  await nats.restart()
}

function pick<K, V>(map: Map<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`${String(key)} was not offered`)
  return value
}

describe('a consumer that is stuck for real', () => {
  let nats: NatsFixture
  beforeEach(async () => {
    nats = await startNats()
  })
  afterEach(() => nats[Symbol.asyncDispose]())

  test('is made anew, and offers everything that lay in its queue', async ({ expect, skip }) => {
    const desk = await openDesk(nats.url('g1'))
    skip(!isOf210(desk), 'later servers mend this damage themselves')
    const dead = await HandWorker.connect(nats.url('w1'))
    await desk.find('echo-20-0-0')

    // Answered, so that the consumer has delivered more than will lie in JOBS.
    for (let i = 0; i < 5; i++) {
      const answer = read(await desk.ask(echoJob(desk), { signal: never }))
      const { offer, grant } = await dead.take()
      dead.echo(offer, grant.epoch, [0, 20])
      dead.end(offer, grant.epoch, 20)
      await answer
    }
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
    await dead[Symbol.asyncDispose]()
    await desk[Symbol.asyncDispose]()

    await loseJobs(nats)
    const operator = await connect(connectionOptions(nats.operatorUrl))
    const jsm = await jetstreamManager(operator)
    const worker = await HandWorker.connect(nats.url('w1'))
    // No desk opens here: one that does, mends this very damage when it first hears of the queue.
    for (let i = 0; i < 3; i++)
      await jsm.jetstream().publish('job.chat.echo', JSON.stringify({ n: i }))
    const { state } = await jsm.streams.info('JOBS')
    expect(state).toMatchObject({ messages: 3 })
    const pull = worker.pull(10_000).catch((thrown: unknown) => thrown)
    await vi.waitFor(async () =>
      expect(await jsm.consumers.info('JOBS', CONSUMER)).toMatchObject({
        num_waiting: 1,
        num_pending: 0,
        num_ack_pending: 0,
        delivered: { consumer_seq: 5 },
      }),
    )

    expect(await looks(jsm)).toBe(1)
    expect(await jsm.consumers.info('JOBS', CONSUMER)).toMatchObject({ num_pending: 3 })
    await pull
    const consumer = await jsm.jetstream().consumers.get('JOBS', CONSUMER)
    const offered: unknown[] = []
    for await (const message of await consumer.fetch({ max_messages: 3, expires: 5_000 }))
      offered.push(message.json())
    expect(offered).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    expect(await looks(jsm)).toBe(0)
    await worker[Symbol.asyncDispose]()
    await operator.close()
  })
})

/** What a healthy consumer says of itself, told as a stuck one's. */
const slander = (info: ConsumerInfo): ConsumerInfo => ({ ...info, num_pending: 1, num_waiting: 1 })

describe('a consumer that was made anew for nothing', () => {
  test('costs no job, and runs none twice: what is held is refused, and ends at its holder', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const held = echoJob(desk)
    const answer = read(await desk.ask(held, { signal: never }))
    const first = await w1.take()
    w1.echo(first.offer, first.grant.epoch, [0, 7])
    const waiting = echoJob(desk)
    const second = read(await desk.ask(waiting, { signal: never }))

    expect(await looks(desk.desk.jsm, slander)).toBe(1)

    // Both lie in JOBS, so the new consumer offers both: one is refused, one is granted.
    const byJob = new Map([await w2.pull(), await w2.pull()].map((offer) => [offer.job.id, offer]))
    const [refused, taken] = [pick(byJob, held.id), pick(byJob, waiting.id)]
    expect(await w2.claim(refused)).toEqual({ go: false, why: 'held' })
    expect(await w2.claim(taken)).toMatchObject({ go: true, epoch: 1 })

    w1.echo(first.offer, first.grant.epoch, [7, 20])
    w1.end(first.offer, first.grant.epoch, 20)
    w2.echo(taken, 1, [0, 20])
    w2.end(taken, 1, 20)
    expect(await Promise.all([answer, second])).toEqual([oracle(20), oracle(20)])
    expect((await lastRecord(desk, held.id)).spans).toEqual([{ epoch: 1, from: 0, worker: 'w1' }])
    await vi.waitFor(async () =>
      expect([await jobsLeft(desk), desk.desk.live.size]).toEqual([0, 0]),
    )
  })
})

describe('a consumer that is gone', () => {
  test('is made again at the first look', async ({ desk, w1, expect }) => {
    const { jsm } = desk.desk
    // Once the desk is done with what it does when it first hears of a queue.
    await desk.desk.ensureQueue(ECHO)
    await jsm.consumers.delete('JOBS', CONSUMER)
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    expect(await looks(jsm)).toBe(1)
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    expect(await answer).toBe(oracle(20))
  })
})
