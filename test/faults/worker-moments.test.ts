import { describe } from 'vitest'
import { until } from './observer.ts'
import { start } from './running.ts'
import { kill, oracle, pidOf, stateOf, testWith } from './stack.ts'

/** Three, so that a test need not wait until what the one before it killed is back. */
const test = testWith({ workers: 3, env: { JUNE_MODELS: 'none' } })
const WORKERS = ['w1', 'w2', 'w3']

test.beforeAll(({ observer }) => observer.up(WORKERS))

describe('kill -9 of a worker', () => {
  test('while it reads the prompt: another reads it, and the answer is whole', async ({
    stack,
    openai,
    observer,
    expect,
  }) => {
    const { job, text, whole } = await start(openai, { model: 'echo-40-5-1200', seed: 21 })
    const first = await observer.holder(job)
    // Progress of the prompt has come, and no token.
    await until('progress', async () => (await observer.framesOf(job)) > 2)
    expect(text()).toBe('')
    await kill(await pidOf(stack, first))
    expect(await whole).toBe(oracle(21, 40))
    const { spans, usage } = await observer.final(job)
    expect(spans).toMatchObject([{ from: 0, worker: first }, { from: 0 }])
    expect(spans[1]?.worker).not.toBe(first)
    expect(usage.completionTokens).toBe(40)
  })

  test('before the last token: another makes that one, and no other', async ({
    stack,
    openai,
    observer,
    expect,
  }) => {
    const { job, seen, whole } = await start(openai, { model: 'echo-5-400-0', seed: 22 })
    const first = await observer.holder(job)
    const pid = await pidOf(stack, first)
    await seen(4)
    await kill(pid)
    expect(await whole).toBe(oracle(22, 5))
    const { spans, usage } = await observer.final(job)
    expect(spans).toMatchObject([{ from: 0, worker: first }, { from: 4 }])
    expect(usage.completionTokens).toBe(5)
  })

  test('as the reader sees the end: it stands, and nobody computes the job again', async ({
    stack,
    openai,
    observer,
    expect,
  }) => {
    const { job, seen, whole } = await start(openai, { model: 'echo-30-20-0', seed: 23 })
    const pid = await pidOf(stack, await observer.holder(job))
    // The last token and the end come together: the acknowledgement in JOBS is on its way, or not even that.
    await seen(30)
    await kill(pid)
    expect(await whole).toBe(oracle(23, 30))
    expect([undefined, 'Z']).toContain(await stateOf(pid))
    await observer.up(WORKERS)
    await observer.idle(WORKERS)
    const history = await observer.history(job)
    expect(history.filter((type) => type === 'claimed')).toHaveLength(1)
    expect(history.filter((type) => type === 'final')).toHaveLength(1)
  })
})

test('a job whose every worker dies hurts two of them, and lies in DEAD with its story', async ({
  stack,
  openai,
  observer,
  expect,
}) => {
  await observer.up(WORKERS)
  const before = new Map((await stack.read()).workers.map(({ id, pid }) => [id, pid]))
  const innocent = await start(openai, { model: 'echo-100-20-0', seed: 25 })
  const { job, whole } = await start(openai, { model: 'echo-5-0-60000', seed: 24 })
  const hurt: string[] = []
  for (const epoch of [1, 2]) {
    await until(`epoch ${epoch}`, async () => (await observer.epochs(job)) === epoch)
    const worker = await observer.holder(job)
    await kill(await pidOf(stack, worker))
    hurt.push(worker)
  }
  await expect(whole).rejects.toMatchObject({ code: 'job_poisoned' })
  expect(await observer.final(job)).toMatchObject({ outcome: 'failed' })
  expect(await observer.stories()).toMatchObject([{ job: { id: job }, deaths: 2 }])
  expect(await innocent.whole).toBe(oracle(25, 100))
  await observer.up(WORKERS)
  const after = new Map((await stack.read()).workers.map(({ id, pid }) => [id, pid]))
  for (const [id, pid] of before) expect(after.get(id) === pid).toBe(!hurt.includes(id))
  await observer.idle(WORKERS)
})
