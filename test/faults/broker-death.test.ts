import { describe } from 'vitest'
import { until } from './observer.ts'
import { startMany, wrongAmong } from './running.ts'
import { brokerPid, freeze, inState, kill, oracle, stream, testWith } from './stack.ts'

const WORKERS = ['w1', 'w2']
const env = { JUNE_MODELS: 'none', JUNE_ECHO_SLOTS: '4' }
const test = testWith({ workers: WORKERS.length, env })

test.beforeAll(({ observer }) => observer.up(WORKERS))

describe('the broker', () => {
  test('that stands still for 3 s goes on with every stream where it was', async ({
    stack,
    observer,
    openai,
    expect,
  }) => {
    const running = await startMany(openai, { count: 8, from: 500, model: 'echo-100-20-0' })
    await Promise.all(running.map(({ seen }) => seen(5)))
    const pid = await brokerPid(stack)
    await freeze(pid, 3_000)
    expect(await wrongAmong(running, 100)).toEqual([])
    await inState(pid, 'S', 'R')
    for (const { job } of running)
      expect(await observer.final(job)).toMatchObject({ outcome: 'done' })
    await observer.idle(WORKERS)
  })

  test('that is killed and comes back loses nothing that runs and nothing that waits', async ({
    stack,
    observer,
    openai,
    expect,
  }) => {
    const running = await startMany(openai, { count: 8, from: 520, model: 'echo-250-20-0' })
    await Promise.all(running.map(({ seen }) => seen(5)))
    // All eight slots are taken: these wait in JOBS.
    const waiting = await startMany(openai, { count: 8, from: 540, model: 'echo-20-0-0' })
    expect(await observer.messagesIn('JOBS')).toBeGreaterThan(8)
    const pid = await brokerPid(stack)
    await kill(pid)
    await until('another broker', async () => (await brokerPid(stack)) !== pid)

    expect(await wrongAmong(running, 250)).toEqual([])
    expect(await wrongAmong(waiting, 20)).toEqual([])
    for (const { job } of [...running, ...waiting]) {
      expect(await observer.final(job)).toMatchObject({ outcome: 'done' })
      const history = await observer.history(job)
      expect(history.filter((type) => type === 'final')).toHaveLength(1)
    }
    await observer.idle(WORKERS)
    expect(await stream(openai, { model: 'echo-20-0-0', seed: 1 })).toBe(oracle(1, 20))
  })
})
