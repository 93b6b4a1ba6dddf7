import type OpenAI from 'openai'
import { describe } from 'vitest'
import { canLimitMemory, openMemoryCgroup } from '../../infra/testing/memory-cgroup.ts'
import { ECHO_THREAD, MAIN_THREAD, openInjector } from './inject.ts'
import { until } from './observer.ts'
import { start, startMany, wrongAmong, type Running } from './running.ts'
import { clientOf, countOf, freeze, inState, oracle, pidOf, stream, testWith } from './stack.ts'

const injector = await openInjector()
const WORKERS = ['w1', 'w2', 'w3', 'w4']
const test = testWith({ workers: WORKERS.length, env: injector.env }).extend(
  'inject',
  { scope: 'file' },
  ({}, { onCleanup }) => {
    onCleanup(() => injector[Symbol.asyncDispose]())
    return injector
  },
)
const CHAT = {
  model: 'june-chat',
  seed: 5,
  text: 'How does a request travel through June step by step?',
}

/** Longer than the five seconds after which the broker by itself offers a job again: more would be more of the same. */
const LONG_MS = 5_500

/** What the built-in model says to it where nothing happens. */
let undisturbed = ''

test.beforeAll(async ({ stack, observer }) => {
  await observer.up(WORKERS)
  undisturbed = await stream(clientOf(stack), CHAT)
})

describe('SIGSTOP of a worker, then SIGCONT', () => {
  test('for 0.3, 2 and 5.5 s: every answer is whole, and every slot is free again', async ({
    stack,
    openai,
    observer,
    expect,
  }) => {
    const silences = await countOf(stack, 'released_by_silence')
    const stops = [
      { forMs: LONG_MS, tokens: 330 },
      { forMs: 2_000, tokens: 150 },
      { forMs: 300, tokens: 60 },
    ]
    const stopped = new Set<string>()
    const wholes: Promise<string>[] = []
    // The longest first: who stands still takes none of the next.
    for (const [i, { forMs, tokens }] of stops.entries()) {
      const { job, whole } = await start(openai, { model: `echo-${tokens}-20-0`, seed: 30 + i })
      const worker = await observer.holder(job)
      await freeze(await pidOf(stack, worker), forMs)
      stopped.add(worker)
      wholes.push(whole)
    }
    expect(stopped.size).toBe(3)
    expect(await Promise.all(wholes)).toEqual(stops.map(({ tokens }, i) => oracle(30 + i, tokens)))
    // Those that stood still for longer than the silence that is allowed.
    expect(await countOf(stack, 'released_by_silence')).toBeGreaterThanOrEqual(silences + 2)
    for (const worker of stopped) await inState(await pidOf(stack, worker), 'S', 'R')
    await observer.up(WORKERS)
    await observer.idle(WORKERS)
  })
})

describe('a worker whose echo engine', () => {
  test.for(['block', 'exit'] as const)(
    'is struck by %s loses the jobs of that thread alone, and not itself',
    async (action, { stack, openai, observer, inject, expect }) => {
      const chat = await start(openai, CHAT)
      const id = await observer.holder(chat.job)
      const echoes = await manyWithOneAt(id, { openai, observer })
      const pid = await pidOf(stack, id)
      const beat = observer.beatOf(id)
      await inject.strike({ id, pid }, { thread: ECHO_THREAD, action, forMs: 2_500 })
      expect(await wrongAmong(echoes.all, 150)).toEqual([])
      expect(await chat.whole).toBe(undisturbed)

      const moved = await observer.final(echoes.there.job)
      expect(moved.spans.length).toBeGreaterThan(1)
      expect(await observer.final(chat.job)).toMatchObject({ spans: [{ worker: id }] })
      // The same process, which went on beating and comes back whole.
      expect(observer.beatOf(id)?.nonce).toBe(beat?.nonce)
      expect(await pidOf(stack, id)).toBe(pid)
      await observer.idle(WORKERS)
    },
  )
})

test('a worker whose own loop is stuck loses its jobs for its silence, and goes on afterwards', async ({
  stack,
  openai,
  observer,
  inject,
  expect,
}) => {
  const { job, whole, seen } = await start(openai, { model: 'echo-150-20-0', seed: 61 })
  await seen(10)
  const id = await observer.holder(job)
  const pid = await pidOf(stack, id)
  const nonce = observer.beatOf(id)?.nonce
  const order = { thread: MAIN_THREAD, action: 'block', forMs: 2_500 } as const
  const { over } = await inject.strike({ id, pid }, order)
  const beat = observer.beatOf(id)
  expect(await whole).toBe(oracle(61, 150))
  const { spans } = await observer.final(job)
  expect(spans[0]?.worker).toBe(id)
  expect(spans[1]?.worker).not.toBe(id)
  await over()
  // Beats come from the loop that stood still: there was none, and there is one again, of the same process.
  await until('its next beat', () => observer.beatOf(id) !== beat)
  expect(observer.beatOf(id)?.nonce).toBe(nonce)
  await observer.idle(WORKERS)
})

test.skipIf(!(await canLimitMemory()))(
  'a worker that the kernel kills for memory loses its jobs to others, unseen',
  async ({ stack, openai, observer, expect }) => {
    await using group = await openMemoryCgroup(4 * 1024 * 1024)
    const first = await start(openai, { model: 'echo-200-10-0', seed: 70 })
    const rest = await startMany(openai, { count: 7, from: 71, model: 'echo-200-10-0' })
    const pid = await pidOf(stack, await observer.holder(first.job))
    await group.add(pid)
    await feed(openai, async () => (await group.kills()) > 0)
    expect(await group.kills()).toBe(1)
    await inState(pid, undefined, 'Z')
    expect(await wrongAmong([first, ...rest], 200)).toEqual([])
    await observer.up(WORKERS)
    await observer.idle(WORKERS)
  },
)

/** Prompts are memory: everybody gets some, until the one that may take no more is gone. */
async function feed(openai: OpenAI, enough: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 60 && !(await enough()); i++)
    await stream(openai, { model: 'echo-1-0-0', text: 'much '.repeat(200_000) })
}

interface Sight {
  openai: OpenAI
  observer: { holder: (job: Running['job']) => Promise<string> }
}

/** As many as fill the slots of all other workers, nearly: a worker's pulls wait side by side, and are served side by side. */
const MANY = 60

/** Echo answers, one after the other, until one of them is computed by this very worker. */
async function manyWithOneAt(
  worker: string,
  { openai, observer }: Sight,
): Promise<{ all: Running[]; there: Running }> {
  const all: Running[] = []
  for (let i = 0; i < MANY; i++) {
    const one = await start(openai, { model: 'echo-150-20-0', seed: 50 + i })
    all.push(one)
    if ((await observer.holder(one.job)) === worker) return { all, there: one }
  }
  throw new Error(`none of them went to ${worker}`)
}
