import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from 'vitest'
import type { StackFixture } from '../../infra/testing/start-stack.ts'
import { RawClient } from '../contract/raw-client.ts'
import { until } from './observer.ts'
import { startMany, wrongAmong } from './running.ts'
import { countOf, testWith } from './stack.ts'

const WORKERS = ['w1']
const test = testWith({ workers: 1, env: { JUNE_MODELS: 'none' } })

const post = ({ run: { gateway, key } }: StackFixture, model: string): Promise<RawClient> => {
  const json = { model, stream: true, messages: [{ role: 'user', content: 'hi' }] }
  return RawClient.post(new URL('/v1/chat/completions', gateway), key, json)
}

/** What was accepted of all workers, once no more is: twice the same, and something. */
async function stalled(stack: StackFixture, above: number): Promise<number> {
  let before = -1
  return until('a standstill', async () => {
    const tokens = await countOf(stack, 'tokens')
    const still = tokens === before && tokens > above
    before = tokens
    await sleep(400)
    return still && tokens
  })
}

test.beforeAll(({ observer }) => observer.up(WORKERS))

describe('clients that read too slowly', () => {
  test('hold back the worker, not the others; as they read it goes on, and what they leave is free', async ({
    stack,
    observer,
    openai,
    expect,
  }) => {
    const accepted = await countOf(stack, 'tokens')
    const slow = [await post(stack, 'echo-999999-0-0'), await post(stack, 'echo-999999-0-0')]
    const full = await stalled(stack, accepted)
    expect(full - accepted).toBeLessThan(2 * 999_999)
    expect(observer.beatOf('w1')?.offerings[0]?.free).toBe(14)

    const quick = await startMany(openai, { count: 8, from: 900, model: 'echo-50-2-0' })
    expect(await wrongAmong(quick, 50)).toEqual([])
    expect(await countOf(stack, 'tokens')).toBe(full + 8 * 50)

    const cancelled = await countOf(stack, 'cancelled')
    for (const client of slow) void client.drain(1_000)
    await until('more of it', async () => (await countOf(stack, 'tokens')) > full + 8 * 50)
    for (const client of slow) client[Symbol.dispose]()
    await observer.idle(WORKERS)
    expect(await countOf(stack, 'cancelled')).toBe(cancelled + 2)
  })
})

test('clients that vanish in the middle of an answer leave every slot free, and no job behind', async ({
  stack,
  observer,
  openai,
  expect,
}) => {
  const cancelled = await countOf(stack, 'cancelled')
  const clients = await Promise.all(
    Array.from({ length: 16 }, () => post(stack, 'echo-100000-20-0')),
  )
  await until('no free slot', () => observer.beatOf('w1')?.offerings[0]?.free === 0)
  for (const client of clients) client[Symbol.dispose]()
  await observer.idle(WORKERS)
  expect(await countOf(stack, 'cancelled')).toBe(cancelled + 16)
  const again = await startMany(openai, { count: 16, from: 920, model: 'echo-10-0-0' })
  expect(await wrongAmong(again, 10)).toEqual([])
})
