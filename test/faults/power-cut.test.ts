import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, test as base } from 'vitest'
import { freePort } from '../../infra/local/free-port.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { applyStreams } from '../../infra/nats/streams.ts'
import { canMount, mountBlockDisk, type BlockDisk } from '../../infra/testing/disk.ts'
import { startBroker } from '../../infra/testing/start-broker.ts'
import { startStack } from '../../infra/testing/start-stack.ts'
import { startWorker } from '../../infra/testing/start-worker.ts'
import { Observer, until } from './observer.ts'
import { start, startMany, wrongAmong } from './running.ts'
import { clientOf } from './stack.ts'

const SIZE_BYTES = 64 * 1024 * 1024
const HERE = { address: '127.0.0.1', within: [] }
const JOBS_COUNT = 20

const test = base.extend('disk', async ({}, { onCleanup }) => {
  const disk = await mountBlockDisk(SIZE_BYTES)
  onCleanup(() => disk[Symbol.asyncDispose]())
  return disk
})

const change = (config: string): string => config.replace('sync_interval: always', '')

/** Cuts the power, and proves it: a word that was written just before and not synced is not there any more. */
async function cutPower(disk: BlockDisk, killBroker: () => Promise<void>): Promise<string> {
  const witness = join(disk.dir, 'witness')
  await writeFile(witness, 'written')
  await killBroker()
  await disk.cutPower()
  return readFile(witness, 'utf8').catch(() => '')
}

describe.skipIf(!(await canMount()))('a power cut of the broker’s machine', () => {
  test('loses no job that was accepted', async ({ disk, expect }) => {
    const port = await freePort()
    await using broker = await startBroker({
      host: HERE,
      port,
      dir: disk.dir,
      workers: ['w1', 'w2'],
    })
    await using stack = await startStack({ workers: 0, env: { NATS_URL: broker.url('g1') } })
    await using observer = await Observer.at(broker.url('operator'))
    const openai = clientOf(stack)
    {
      // The gateway learns of the queue, and keeps it while its worker is away.
      await using worker = await startWorker({ natsUrl: broker.url('w1') })
      await observer.up([worker.id])
      await (
        await start(openai, { model: 'echo-5-0-0' })
      ).whole
      await observer.idle([worker.id])
    }
    // What may be resumed is stored before it is answered; the rest waits in its gateway, and ends with its connection.
    const resuming = openai.withOptions({ defaultHeaders: { 'x-stream-resume': '1' } })
    const asked = { count: JOBS_COUNT, from: 700, model: 'echo-20-5-0' }
    const accepted = await startMany(resuming, asked)
    expect(await cutPower(disk, broker.kill)).not.toBe('written')
    await broker.start()
    await until('the broker', () =>
      observer.messagesIn('JOBS').then(
        () => true,
        () => false,
      ),
    )
    expect(await observer.messagesIn('JOBS')).toBe(JOBS_COUNT)
    await using worker = await startWorker({ natsUrl: broker.url('w2') })
    expect(await wrongAmong(accepted, 20)).toEqual([])
    await observer.idle([worker.id])
  })

  test('loses some where the broker does not sync: the control', async ({ disk, expect }) => {
    const port = await freePort()
    await using broker = await startBroker({ host: HERE, port, dir: disk.dir, workers: [], change })
    {
      await using nc = await connect(connectionOptions(broker.url('operator')))
      await applyStreams(nc)
      const stored = Array.from({ length: JOBS_COUNT }, () =>
        jetstream(nc).publish('job.chat.echo', 'a job'),
      )
      await Promise.all(stored)
    }
    expect(await cutPower(disk, broker.kill)).not.toBe('written')
    await broker.start()
    await using observer = await Observer.at(broker.url('operator'))
    // The stream itself may be gone.
    expect(await observer.messagesIn('JOBS').catch(() => 0)).toBeLessThan(JOBS_COUNT)
  })
})
