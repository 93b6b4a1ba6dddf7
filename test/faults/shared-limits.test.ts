import { describe } from 'vitest'
import type { StackFixture } from '../../infra/testing/start-stack.ts'
import { CreatedKey, type NewKey } from '../../proto/admin.ts'
import { until } from './observer.ts'
import { freeze, kill, testWith } from './stack.ts'

const LIMIT = 60
/** At each gateway, all at once. */
const ASKED = 90
const GATEWAYS = [0, 1, 2]

const test = testWith({ workers: 1, gateways: GATEWAYS.length })

async function newKey({ run }: StackFixture, wanted: Partial<NewKey>): Promise<string> {
  const response = await fetch(`${run.gateway}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${run.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a test', ...wanted }),
  })
  return CreatedKey.parse(await response.json()).secret
}

async function gatewayOf(
  stack: StackFixture,
  place: number,
): Promise<{ url: string; pid: number }> {
  return until(`gateway ${place}`, async () => (await stack.read()).gateways[place])
}

const databaseOf = (stack: StackFixture): Promise<number> =>
  until('the database', async () => (await stack.read()).database.pid ?? false)

/** How many of so many requests were let through at a gateway. */
async function passed(stack: StackFixture, key: string, place: number, n: number): Promise<number> {
  const { url } = await gatewayOf(stack, place)
  const headers = { authorization: `Bearer ${key}` }
  const answers = await Promise.all(
    Array.from({ length: n }, () => fetch(`${url}/v1/models`, { headers })),
  )
  const strange = answers.find(({ status }) => status !== 200 && status !== 429)
  if (strange) throw new Error(`${url} answered with ${strange.status}`)
  return answers.filter(({ ok }) => ok).length
}

/** Whether a limit of one, used up at one gateway, is used up at all. */
async function isShared(stack: StackFixture): Promise<boolean> {
  const key = await newKey(stack, { requestsPerMinute: 1 })
  let count = 0
  for (const place of GATEWAYS) count += await passed(stack, key, place, 1)
  return count === 1
}

async function passedInAll(stack: StackFixture, key: string, n = ASKED): Promise<number> {
  const counts = await Promise.all(GATEWAYS.map((place) => passed(stack, key, place, n)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Begins a long answer, which ends with the test. */
const stream = (url: string, key: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'echo-9999-5-0',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  })

/** What fills in meanwhile, one a second, and the one that was nearly full. */
const healedSince = (startMs: number): number => (performance.now() - startMs) / 1_000 + 1

describe('a limit at three gateways', () => {
  test('is one limit, used up from all of them at once', async ({ stack, expect }) => {
    const key = await newKey(stack, { requestsPerMinute: LIMIT })
    const startMs = performance.now()
    // Each gateway learns of the key by itself.
    const known = await passedInAll(stack, key, 1)
    const count = known + (await passedInAll(stack, key))
    expect(count).toBeGreaterThanOrEqual(LIMIT)
    expect(count).toBeLessThanOrEqual(LIMIT + healedSince(startMs))
  })

  test('is whole for one of them that is asked alone', async ({ stack, expect }) => {
    const key = await newKey(stack, { requestsPerMinute: LIMIT })
    const startMs = performance.now()
    let count = 0
    for (let i = 0; i < LIMIT; i++) count += await passed(stack, key, 1, 1)
    expect(count).toBe(LIMIT)
    const more = await passed(stack, key, 1, ASKED)
    expect(count + more).toBeLessThanOrEqual(LIMIT + healedSince(startMs))
  })

  test('is kept in parts while the database stands still, and owned up to afterwards', async ({
    stack,
    expect,
  }) => {
    const key = await newKey(stack, { requestsPerMinute: LIMIT })
    const startMs = performance.now()
    expect(await passedInAll(stack, key, 1)).toBe(3)
    await freeze(await databaseOf(stack), 6_000)
    const meanwhile = await passedInAll(stack, key)
    expect(meanwhile).toBeGreaterThan(LIMIT / 3)
    expect(meanwhile).toBeLessThanOrEqual(LIMIT + healedSince(startMs))
    // Each gateway tells of its part once a second: what is let through after that is what filled in.
    await until('the database', async () => (await fetch(`${stack.run.gateway}/ready`)).ok)
    await until('all have told', async () => (await passedInAll(stack, key, 1)) === 0)
    expect(meanwhile + (await passed(stack, key, 0, ASKED))).toBeLessThanOrEqual(
      LIMIT + 3 + healedSince(startMs),
    )
  })

  test('of streams has room again when the gateway that had them is dead', async ({
    stack,
    expect,
  }) => {
    await until('shared limits', () => isShared(stack))
    const key = await newKey(stack, { concurrentStreams: 2 })
    const { url, pid } = await gatewayOf(stack, 1)
    // Held on to: an answer that nobody refers to any more is hung up on.
    const running = [await stream(url, key), await stream(url, key)]
    expect(running.map(({ status }) => status)).toEqual([200, 200])
    const { url: other } = await gatewayOf(stack, 0)
    expect((await stream(other, key)).status).toBe(429)
    await kill(pid)
    await until('a free stream', async () => (await stream(other, key)).ok)
    expect(running.every(({ bodyUsed }) => bodyUsed)).toBe(false)
  })
})
