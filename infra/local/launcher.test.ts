import { stat } from 'node:fs/promises'
import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectionOptions } from '../nats/connection-options.ts'
import { stateOf } from '../testing/processes.ts'
import { startStack, type StackFixture } from '../testing/start-stack.ts'
import { runFileIn } from './run-file.ts'

/** Only echo: a model takes its time to load, and these tests restart workers. */
const env = { JUNE_MODELS: 'none' }
const PATIENCE = { timeout: 30_000, interval: 50 }

let stack: StackFixture

beforeAll(async () => {
  stack = await startStack({ workers: 2, gateways: 2, env })
}, 120_000)
afterAll(() => stack[Symbol.asyncDispose]())

describe('a stack that is up', () => {
  test('is told in a file for its owner alone', async () => {
    const { mode } = await stat(runFileIn(stack.dataDir))
    expect(mode & 0o777).toBe(0o600)
    expect(stack.run).toMatchObject({
      pid: stack.pid,
      gateway: stack.run.gateways[0]?.url,
      nats: { url: expect.stringMatching(/^nats:\/\/operator:\w{32}@127\.0\.0\.1:\d+$/) },
      workers: [{ id: 'w1' }, { id: 'w2' }],
    })
  })

  test('answers with the key that it shows', async () => {
    expect(stack.said()).toContain(`${stack.run.gateway}/#key=${stack.run.key}`)
    expect(await echo()).toMatch(/^(\d+ ){4}$/)
  })

  test('is not started a second time from the same folder', async () => {
    const second = startStack({ env: { ...env, JUNE_DATA_DIR: stack.dataDir } })
    await expect(second).rejects.toThrow(`already runs from ${stack.dataDir} (pid ${stack.pid})`)
    expect((await stack.read()).pid).toBe(stack.pid)
  })
})

describe('a part that is killed comes back, and the file says so', () => {
  test.for(['w1', 'g1', 'database', 'nats'] as const)('%s', { timeout: 90_000 }, async (name) => {
    const before = await pidOf(name)
    process.kill(before, 'SIGKILL')
    await expect.poll(() => stateOf(before)).toBeUndefined()
    await expect.poll(() => pidOf(name).catch(() => before), PATIENCE).not.toBe(before)
    await expect.poll(() => echo().catch(() => 'not yet'), PATIENCE).toMatch(/^(\d+ ){4}$/)
  })

  test('nats, with the stream that was in its memory', async () => {
    const { nats } = await stack.read()
    const nc = await connect(connectionOptions(nats.url))
    onTestFinished(() => nc.close())
    const { streams } = await jetstreamManager(nc)
    await expect
      .poll(() => streams.info('FRAMES').then(({ config }) => config.no_ack), PATIENCE)
      .toBe(true)
  })
})

describe('the end', { timeout: 120_000 }, () => {
  test('comes within five seconds, even to a worker that is frozen', async () => {
    await freeze(await pidOf('w1'))
    const { code, tookMs } = await stack.end('SIGTERM')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(6_000)
    await expect(stat(runFileIn(stack.dataDir))).rejects.toThrow('ENOENT')
  })

  test('of a launcher by kill -9 takes everything along, frozen or not', async () => {
    const doomed = await startStack({ env })
    onTestFinished(() => doomed[Symbol.asyncDispose]())
    for (const { pid } of doomed.run.workers) await freeze(pid)
    const { tookMs } = await doomed.end('SIGKILL')
    expect(tookMs).toBeLessThan(2_000)
  })
})

async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await expect.poll(() => stateOf(pid)).toBe('T')
}

async function pidOf(name: 'w1' | 'g1' | 'database' | 'nats'): Promise<number> {
  const { workers, gateways, database, nats } = await stack.read()
  const first = stack.run.gateways[0]?.url
  const pids = {
    w1: workers.find(({ id }) => id === 'w1')?.pid,
    g1: gateways.find(({ url }) => url === first)?.pid,
    database: database.pid,
    nats: nats.pid,
  }
  return pids[name] ?? Promise.reject(new Error(`${name} is down`))
}

async function echo(): Promise<string> {
  const response = await fetch(`${stack.run.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.run.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'echo-4-1-0', messages: [{ role: 'user', content: 'x' }] }),
    signal: AbortSignal.timeout(10_000),
  })
  const body = (await response.json()) as { choices: { message: { content: string } }[] }
  return body.choices[0]?.message.content ?? ''
}
