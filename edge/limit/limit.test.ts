import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { Failure, type FailureCode } from '../../proto/failure.ts'
import { respond, type AppEnv } from '../http.ts'
import type { Key } from '../ports.ts'
import { keyWith } from './limit-fixture.ts'
import { limit } from './limit.ts'
import { MemoryLimiter } from './memory-limiter.ts'

/** What is left of ten requests after one that was answered so. */
async function leftAfter(code: FailureCode, retryAfterMs?: number): Promise<string | undefined> {
  const key = keyWith({ key: { requestsPerMinute: 10 } }) as Key
  const failure = new Failure(code, '', retryAfterMs === undefined ? {} : { retryAfterMs })
  let headers: Record<string, string> = {}
  const app = new Hono<AppEnv>()
    .onError(respond)
    .use(async (c, next) => {
      c.set('key', key)
      c.set('headers', (headers = {}))
      await next()
    })
    .use(limit(new MemoryLimiter()))
    .get('/', (c) => c.text('fine'))
    .post('/', () => {
      throw failure
    })
  expect((await app.request('/', { method: 'POST' })).status).toBe(failure.status)
  await app.request('/')
  return headers['x-ratelimit-remaining-requests']
}

test.for([
  ['tokens_limited', 30_000],
  ['rate_limited', 1_000],
] as const)('what another limit refuses for now (%s) is no request', async ([code, retryMs]) => {
  expect(await leftAfter(code, retryMs)).toBe('9')
})

test.for([
  // A prompt or `max_tokens` that would never pass.
  'tokens_limited',
  'insufficient_quota',
  'invalid',
] as const)('a request that %s refuses for good is one', async (code) => {
  expect(await leftAfter(code)).toBe('8')
})

test('a budget takes a request, even if it said when there will be more', async () => {
  expect(await leftAfter('insufficient_quota', 60_000)).toBe('8')
})
