import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test as base } from 'vitest'
import { stateOf } from '../infra/testing/processes.ts'
import { startNats } from '../infra/testing/start-nats.ts'
import { ECHO_QUEUE, echoToken } from '../proto/echo.ts'
import type { Frame } from '../proto/frame.ts'
import type { Queue } from '../proto/subjects.ts'
import { grantOf, HandGateway } from './intake/testing/hand-gateway.ts'

const MAIN = new URL('main.ts', import.meta.url)
const ECHO: Queue = { kind: 'chat', name: ECHO_QUEUE }

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ gateways: ['g1'], workers: ['w1'] })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('gateway', async ({ nats }, { onCleanup }) => {
    const gateway = await HandGateway.open(nats.url('g1'))
    onCleanup(() => gateway[Symbol.asyncDispose]())
    await gateway.openQueue(ECHO)
    return gateway
  })
  .extend('start', async ({ nats }, { onCleanup }) => {
    const children: ChildProcess[] = []
    onCleanup(() => void children.map((child) => child.kill('SIGKILL')))
    return (patch: Record<string, string> = {}) => {
      const NATS_URL = nats.url('w1')
      const env = { WORKER_ID: 'w1', NATS_URL, JUNE_ECHO: '1', JUNE_MODELS: 'none', ...patch }
      const child = fork(MAIN, { env, silent: true })
      children.push(child)
      return new Started(child)
    }
  })

class Started {
  readonly child: ChildProcess
  readonly messages: { type: string; text?: string; url?: string }[] = []
  stderr = ''
  readonly exited: Promise<unknown[]>

  constructor(child: ChildProcess) {
    this.child = child
    this.exited = once(child, 'exit')
    child.on('message', (message) => this.messages.push(message as Started['messages'][number]))
    child.stderr?.on('data', (data) => (this.stderr += data))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  async ready(): Promise<string> {
    for (;;) {
      const url = this.messages.find(({ type }) => type === 'ready')?.url
      if (url !== undefined) return url
      if (this.child.exitCode !== null) throw new Error(`it ended:\n${this.stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

interface SysEvent {
  client: { user: string; id: number }
}

/** The tokens that were heard, which must be those of an undisturbed run. */
const positions = (frames: readonly Frame[]) =>
  frames.flatMap((frame) =>
    frame.kind === 'tokens' ? frame.ids.map((id, i) => ({ at: frame.seq + i, id })) : [],
  )

test('serves echo, and on SIGTERM ends its work first', async ({ gateway, start, expect }) => {
  const worker = start()
  const url = await worker.ready()
  expect((await fetch(`${url}/ready`)).status).toBe(200)
  expect(worker.messages.map(({ type }) => type)).toContain('progress')

  gateway.answer = () => grantOf({ from: 3, prefix: [0, 1, 2].map((i) => echoToken(7, i).id) })
  const job = await gateway.offer(ECHO, { model: 'echo-40-20-0' })
  await expect.poll(() => gateway.heard(job).length, { timeout: 5_000 }).toBeGreaterThan(3)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('june_worker_jobs_running 1')

  worker.child.kill('SIGTERM')
  expect(await worker.exited).toEqual([0, null])
  const frames = gateway.heard(job)
  expect(frames.at(-1)).toMatchObject({ kind: 'end', seq: 40 })
  expect(positions(frames)).toEqual(
    Array.from({ length: 37 }, (_, i) => ({ at: i + 3, id: echoToken(7, i + 3).id })),
  )
})

test('eats no offer once it has been frozen for as long as a pull lives', async ({
  gateway,
  start,
  expect,
}) => {
  const worker = start()
  await worker.ready()
  const pulls = async () => (await gateway.queueState(ECHO)).pulls
  await expect.poll(pulls).toBe(16)
  worker.child.kill('SIGSTOP')
  await expect.poll(() => stateOf(worker.pid)).toBe('T')
  await expect.poll(pulls).toBe(0)
  const job = await gateway.offer(ECHO, { model: 'echo-5-0-0' })
  expect(await gateway.queueState(ECHO)).toMatchObject({ waiting: 1 })
  expect(await stateOf(worker.pid)).toBe('T')
  gateway.answer = () => grantOf()
  worker.child.kill('SIGCONT')
  await expect.poll(() => gateway.heard(job).at(-1)?.kind).toBe('end')
})

test('hands on what outlives its grace', async ({ gateway, start, expect }) => {
  const worker = start({ DRAIN_GRACE_MS: '200' })
  await worker.ready()
  gateway.answer = () => grantOf({ credit: 10_000 })
  const job = await gateway.offer(ECHO, { model: 'echo-1000-20-0' })
  await expect.poll(() => gateway.heard(job).length).toBeGreaterThan(0)
  const ends: SysEvent['client'][] = []
  gateway.nc.subscribe('sys.pool', {
    callback: (_, message) => void ends.push(message.json<SysEvent>().client),
  })
  await gateway.nc.flush()
  const startedAtMs = performance.now()
  worker.child.kill('SIGTERM')
  expect(await worker.exited).toEqual([0, null])
  expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  expect(gateway.heard(job).map(({ kind }) => kind)).not.toContain('end')
  // This is how its gateway hears of it.
  await expect
    .poll(() => ends)
    .toContainEqual(expect.objectContaining({ user: 'w1', id: gateway.asked[0]?.claim.connection }))
})

test('ends when whoever started it is gone', async ({ gateway, start, expect }) => {
  const worker = start()
  await worker.ready()
  expect(gateway.nc.isClosed()).toBe(false)
  worker.child.disconnect()
  expect(await worker.exited).toEqual([0, null])
})

test('waits for a broker that is not there, says so, and can be told to stop', async ({
  start,
  expect,
}) => {
  const worker = start({ NATS_URL: 'nats://w1:x@127.0.0.1:1' })
  await expect
    .poll(() => worker.messages.at(0)?.text, { timeout: 5_000 })
    .toContain('waiting for the broker at 127.0.0.1:1')
  worker.child.kill('SIGTERM')
  expect(await worker.exited).toEqual([0, null])
})

test('says what is wrong with its environment, without a stack', async ({ start, expect }) => {
  const worker = start({ WORKER_ID: '!', JUNE_DEVICE: 'tpu' })
  expect(await worker.exited).toEqual([2, null])
  expect(worker.stderr).toContain('WORKER_ID is "!"')
  expect(worker.stderr).toContain('JUNE_DEVICE is "tpu"')
  expect(worker.stderr).not.toMatch(/^ +at /m)
})

test('does not pretend to serve nothing', async ({ start, expect }) => {
  const worker = start({ JUNE_ECHO: '0' })
  expect(await worker.exited).toEqual([1, null])
  expect(worker.stderr).toContain('There is nothing to serve')
})
