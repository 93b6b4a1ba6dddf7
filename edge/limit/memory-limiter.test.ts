import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Failure } from '../../proto/failure.ts'
import { askOfRequest } from './buckets.ts'
import { releaseJob, takeForJob } from './job-limit.ts'
import { jobOf, keyWith } from './limit-fixture.ts'
import { MemoryLimiter } from './memory-limiter.ts'

type Key = ReturnType<typeof keyWith>

const take = (limiter: MemoryLimiter, key: Key, job = jobOf(key, SMALL)): Promise<boolean> =>
  takeForJob(limiter, { key, headers: {} }, job)
const SMALL = { promptTokens: 10, maxTokens: 90 }

/** How many tokens of the key's limit are left. */
const left = (limiter: MemoryLimiter, key: Key): number | undefined =>
  limiter.take({ ...askOfRequest(key), cost: { tokens: 0 } }).tokens?.remaining

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_000_000_000 }))
afterEach(() => void vi.useRealTimers())

describe('the limits of one process', () => {
  test('do not hear of a wall clock that is set back or forward', () => {
    const limiter = new MemoryLimiter()
    const ask = askOfRequest(keyWith({ key: { requestsPerMinute: 60 } }))
    for (let i = 0; i < 60; i++) expect(limiter.take(ask).refusal).toBeUndefined()
    vi.setSystemTime(0)
    expect(limiter.take(ask).refusal?.retryMs).toBeLessThanOrEqual(1_000)
    vi.setSystemTime(2_000_000_000)
    expect(limiter.take(ask).refusal).toBeDefined()
  })

  test('take from all buckets or from none', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({
      key: { tokensPerMinute: 1_000 },
      project: { tokensPerMinute: 1_000, concurrentStreams: 5 },
      model: { requestsPerMinute: 1 },
    })
    await take(limiter, key)
    expect(left(limiter, key)).toBe(900)
    for (let i = 0; i < 9; i++)
      await expect(take(limiter, key)).rejects.toMatchObject({
        code: 'rate_limited',
        message: expect.stringContaining('with this model, may make 1 request a minute'),
      })
    expect(left(limiter, key)).toBe(900)
  })

  test('tell of the bucket that is nearest to empty', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { tokensPerMinute: 1_000 }, project: { tokensPerMinute: 500 } })
    const headers: Record<string, string> = {}
    await takeForJob(limiter, { key, headers }, jobOf(key, SMALL))
    expect(headers).toEqual({
      'x-ratelimit-limit-tokens': '500',
      'x-ratelimit-remaining-tokens': '400',
      'x-ratelimit-reset-tokens': '12s',
    })
  })

  test('count a job by what it used in the end, once', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { tokensPerMinute: 1_000 } })
    const job = jobOf(key, SMALL)
    await take(limiter, key, job)
    for (let i = 0; i < 3; i++)
      limiter.end(job.id, job.tenant, { promptTokens: 12, completionTokens: 8 })
    expect(left(limiter, key)).toBe(980)
  })

  test('take an answer that is longer than was thought as a debt', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { tokensPerMinute: 1_000 } })
    const job = jobOf(key, { promptTokens: 10, maxTokens: null })
    await take(limiter, key, job)
    limiter.end(job.id, job.tenant, { promptTokens: 10, completionTokens: 2_990 })
    expect(left(limiter, key)).toBe(0)
    const refusal = await take(limiter, key).catch((thrown: Failure) => thrown)
    expect(refusal).toMatchObject({ code: 'tokens_limited' })
    expect((refusal as Failure).retryAfterMs).toBeGreaterThan(125_000)
  })

  test('take nothing for a job that was never made, and the prompt of one that was cancelled', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { tokensPerMinute: 1_000 } })
    const [never, cancelled] = [jobOf(key, SMALL), jobOf(key, SMALL)]
    await take(limiter, key, never)
    releaseJob(limiter, never)
    expect(left(limiter, key)).toBe(1_000)
    await take(limiter, key, cancelled)
    limiter.end(cancelled.id, cancelled.tenant, { promptTokens: null, completionTokens: 5 })
    expect(left(limiter, key)).toBe(985)
  })

  test('let in another stream when one has ended, and one whose gateway fell silent', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { concurrentStreams: 2 } })
    const [first, second] = [jobOf(key, SMALL), jobOf(key, SMALL)]
    await take(limiter, key, first)
    await take(limiter, key, second)
    await expect(take(limiter, key)).rejects.toMatchObject({ code: 'rate_limited' })
    limiter.end(first.id, first.tenant, undefined)
    await take(limiter, key)
    await expect(take(limiter, key)).rejects.toMatchObject({ code: 'rate_limited' })
    vi.advanceTimersByTime(20_000)
    limiter.endSilent(10_000)
    await take(limiter, key)
  })

  test('refuse at once what would never pass, naming the field', async () => {
    const limiter = new MemoryLimiter()
    const key = keyWith({ key: { tokensPerMinute: 100 } })
    const huge = jobOf(key, { promptTokens: 10, maxTokens: 101 })
    await expect(take(limiter, key, huge)).rejects.toMatchObject({
      code: 'tokens_limited',
      param: 'max_tokens',
      shouldRetry: false,
    })
    const long = jobOf(key, { promptTokens: 300, maxTokens: null })
    await expect(take(limiter, key, long)).rejects.toMatchObject({ param: 'messages' })
    await take(limiter, key, jobOf(key, { promptTokens: 90, maxTokens: null }))
  })
})
