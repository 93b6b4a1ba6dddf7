import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { nanos, type NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { newJobId } from '../../proto/ids.ts'
import { consumerOf, JOBS, subjects, type Queue } from '../../proto/subjects.ts'
import { startNats, type NatsFixture } from '../testing/start-nats.ts'
import { connectionOptions } from './connection-options.ts'
import { ACK_WAIT_MS, applyStreams, ensureConsumer } from './streams.ts'

const queue: Queue = { kind: 'chat', name: 'qwen3-0.6b' }

let nats: NatsFixture
let nc: NatsConnection

beforeEach(async () => {
  nats = await startNats({ workers: ['w1'], queues: [queue] })
  nc = await connect(connectionOptions(nats.url('g1')))
  onTestFinished(async () => {
    await nc.close()
    await nats[Symbol.asyncDispose]()
  })
})

describe('applyStreams', () => {
  test('may be run by everybody at once, and again', async () => {
    const other = await connect(connectionOptions(nats.operatorUrl))
    await Promise.all([applyStreams(nc), applyStreams(other), applyStreams(nc)])
    await applyStreams(nc)
    const { streams } = await jetstreamManager(nc)
    const names = await Array.fromAsync(streams.list(), ({ config }) => config.name)
    expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ANSWERS',
      'CACHE',
      'DEAD',
      'FRAMES',
      'IDEMPOTENCY',
      'JOBS',
      'LEDGER',
      'RESPONSES',
    ])
    await other.close()
  })

  test('repairs a stream that has drifted, and keeps what is in it', async () => {
    await applyStreams(nc)
    const manager = await jetstreamManager(nc)
    await jetstream(nc).publish(subjects.ledger(newJobId()), 'kept')
    await manager.streams.update('LEDGER', { max_age: nanos(600_000), allow_direct: false })
    await manager.streams.update('FRAMES', { max_bytes: 1_000 })
    await applyStreams(nc)
    const ledger = await manager.streams.info('LEDGER')
    expect(ledger.config).toMatchObject({ max_age: nanos(7 * 86_400_000), allow_direct: true })
    expect(ledger.state.messages).toBe(1)
    const frames = await manager.streams.info('FRAMES')
    expect(frames.config).toMatchObject({ max_bytes: 256 * 1024 * 1024, no_ack: true })
  })

  test('keeps what idempotency keys stand for apart from answers, also where it lay with them', async () => {
    const { streams } = await jetstreamManager(nc)
    await streams.add({ name: 'ANSWERS', subjects: ['answer.>', 'idem.>'] })
    await applyStreams(nc)
    const js = jetstream(nc)
    expect((await js.publish(subjects.idempotency('h'), '{}')).stream).toBe('IDEMPOTENCY')
    expect((await js.publish(subjects.answer(newJobId()), '')).stream).toBe('ANSWERS')
  })

  test('leave the age of stored responses to those who were told it', async () => {
    const { streams } = await jetstreamManager(nc)
    const days = async () => (await streams.info('RESPONSES')).config.max_age / nanos(86_400_000)
    await applyStreams(nc)
    expect(await days()).toBe(30)
    await applyStreams(nc, { responsesDays: 90 })
    await applyStreams(nc)
    expect(await days()).toBe(90)
  })

  test('says which stream cannot be repaired, and does not delete it', async () => {
    const manager = await jetstreamManager(nc)
    await manager.streams.add({ name: JOBS, subjects: ['job.>'], storage: StorageType.Memory })
    await expect(applyStreams(nc)).rejects.toThrow(/^Stream JOBS .*: delete it\.$/)
    expect((await manager.streams.info(JOBS)).config.storage).toBe('memory')
  })

  test('drops a job that is published twice', async () => {
    await applyStreams(nc)
    const [js, id] = [jetstream(nc), newJobId()]
    await js.publish(subjects.job(queue), 'job', { msgID: id })
    expect(await js.publish(subjects.job(queue), 'job', { msgID: id })).toMatchObject({
      duplicate: true,
    })
  })
})

describe('ensureConsumer', () => {
  test('makes a consumer that only its own queue reaches, and repairs one that has drifted', async () => {
    await applyStreams(nc)
    const manager = await jetstreamManager(nc)
    await manager.consumers.add(JOBS, {
      durable_name: consumerOf(queue),
      filter_subject: subjects.job(queue),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(60_000),
      max_deliver: 3,
      max_waiting: 8_192,
    })
    await ensureConsumer(manager, queue)
    await ensureConsumer(manager, queue)
    const { config } = await manager.consumers.info(JOBS, consumerOf(queue))
    expect(config).toMatchObject({
      filter_subject: 'job.chat.qwen3-0=2e6b',
      ack_wait: nanos(ACK_WAIT_MS),
      max_deliver: -1,
      max_ack_pending: 1_000,
    })
  })

  test('makes room for the idle slots of many workers, in a consumer of an older version too', async () => {
    await applyStreams(nc)
    const manager = await jetstreamManager(nc)
    await manager.consumers.add(JOBS, {
      durable_name: consumerOf(queue),
      filter_subject: subjects.job(queue),
      ack_policy: AckPolicy.Explicit,
    })
    await jetstream(nc).publish(subjects.job(queue), 'a job that waits')
    await ensureConsumer(manager, queue)
    await Promise.all([ensureConsumer(manager, queue), ensureConsumer(manager, queue)])
    const { config, num_pending } = await manager.consumers.info(JOBS, consumerOf(queue))
    expect(config.max_waiting).toBe(8_192)
    expect(num_pending).toBe(1)
  })

  test('offers its jobs to a worker that may do nothing but pull', async () => {
    await applyStreams(nc)
    await ensureConsumer(await jetstreamManager(nc), queue)
    const worker = await connect(connectionOptions(nats.url('w1')))
    const consumer = jetstream(worker).consumers.getConsumerFromInfo({
      stream_name: JOBS,
      name: consumerOf(queue),
      config: {},
    } as Parameters<ReturnType<typeof jetstream>['consumers']['getConsumerFromInfo']>[0])
    const offer = consumer.next({ expires: 2_000 })
    await jetstream(nc).publish(subjects.job(queue), 'a job')
    expect((await offer)?.string()).toBe('a job')
    await worker.close()
  })
})
