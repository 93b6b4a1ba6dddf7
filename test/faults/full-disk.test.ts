import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base } from 'vitest'
import { canMount, mountSmallDisk } from '../../infra/testing/disk.ts'
import { startStack, type StackFixture } from '../../infra/testing/start-stack.ts'
import { Observer, until } from './observer.ts'
import { startMany, wrongAmong } from './running.ts'
import { brokerPid, clientOf, oracle, stream } from './stack.ts'

const SIZE_BYTES = 24 * 1024 * 1024
const WORKERS = ['w1']
const GIVEN_UP_MS = 2_000
const env = { JUNE_MODELS: 'none', JUNE_ECHO_SLOTS: '4' }

/** A June whose broker alone has a small disk: the database keeps its own. */
const test = base
  .extend('dataDir', { scope: 'file' }, async ({}, { onCleanup }) => {
    const dir = await mkdtemp(join(tmpdir(), 'june-small-'))
    onCleanup(() => rm(dir, { recursive: true }))
    return dir
  })
  .extend('disk', { scope: 'file' }, async ({ dataDir }, { onCleanup }) => {
    const disk = await mountSmallDisk(join(dataDir, 'nats', 'js'), SIZE_BYTES)
    onCleanup(() => disk[Symbol.asyncDispose]())
    return disk
  })
  .extend('stack', { scope: 'file' }, async ({ dataDir, disk }, { onCleanup }) => {
    void disk
    const stack = await startStack({ workers: 1, env: { ...env, JUNE_DATA_DIR: dataDir } })
    onCleanup(() => stack[Symbol.asyncDispose]())
    return stack
  })
  .extend('observer', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
    const observer = await Observer.at(stack.run.nats.url)
    onCleanup(() => observer[Symbol.asyncDispose]())
    return observer
  })

test.beforeAll(({ observer }) => observer.up(WORKERS))

test.skipIf(!(await canMount()))(
  'a full disk of the broker: new requests are refused, accepted ones are kept, and all goes on once there is room',
  async ({ disk, stack, observer, expect }) => {
    const openai = clientOf(stack)
    const running = await startMany(openai, { count: 4, from: 600, model: 'echo-60-20-0' })
    // All four slots are taken: these wait, one in JOBS and the others in the gateway.
    const waiting = await startMany(openai, { count: 4, from: 610, model: 'echo-20-0-0' })
    await Promise.all(running.map(({ seen }) => seen(5)))
    expect(await disk.fill()).toBe('ENOSPC')

    const refused = await until('a refusal', () => refusalBy(stack))
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    // Tokens are in no file: what runs is read to its last one, and its end waits for room to be recorded in.
    await Promise.all(running.map(({ seen }) => seen(60)))

    await disk.free()
    const left = await mendBroker(stack, observer)
    expect(await wrongAmong(running, 60)).toEqual([])
    expect(await wrongAmong(waiting, 20)).toEqual([])
    for (const { job } of [...running, ...waiting])
      expect(await observer.final(job)).toMatchObject({ outcome: 'done' })
    await observer.free(WORKERS)
    await until('the queue to empty', async () => (await observer.messagesIn('JOBS')) <= left)
    expect(await stream(openai, { model: 'echo-20-0-0', seed: 2 })).toBe(oracle(2, 20))
  },
)

/**
 * A 2.10 server goes on as soon as there is room. One of 2.15 stays with its error until it is started again, and keeps in
 * JOBS what was acknowledged while it could not write: its consumer has passed it, so nobody is offered it. How many
 * messages of jobs that are over may be left there.
 */
async function mendBroker(stack: StackFixture, observer: Observer): Promise<number> {
  if (await observer.canRecord()) return 0
  const pid = await brokerPid(stack)
  process.kill(pid, 'SIGTERM')
  await until('another broker', async () => (await brokerPid(stack)) !== pid)
  await until('that it records again', () => observer.canRecord())
  return 8
}

/**
 * The answer to a request that is longer than what is left of the broker's last page, if it is not taken. One that came before
 * the broker refused anything waits for its turn in the gateway's memory: it is given up.
 */
async function refusalBy({ run: { gateway, key } }: StackFixture): Promise<Response | false> {
  const messages = [{ role: 'user', content: 'much '.repeat(2_000) }]
  const response = await fetch(`${gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'echo-5-0-0', messages }),
    signal: AbortSignal.timeout(GIVEN_UP_MS),
  }).catch(() => undefined)
  await response?.text()
  return response !== undefined && !response.ok && response
}
