import { RateLimitError } from 'openai'
import { describe, expect, test } from 'vitest'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

export const limits = (stack: () => Stack) =>
  describe('a request limit', () => {
    test('is told with every answer, and counts down', async () => {
      const { secret: key } = await stack().newKey({ requestsPerMinute: 5 })
      const first = await stack().fetch('/v1/models', { key })
      expect(Object.fromEntries(first.headers)).toMatchObject({
        'x-ratelimit-limit-requests': '5',
        'x-ratelimit-remaining-requests': '4',
        'x-ratelimit-reset-requests': '12s',
      })
      const second = await stack().fetch('/v1/models', { key })
      expect(second.headers.get('x-ratelimit-remaining-requests')).toBe('3')
    })

    test('refuses what is over it with 429, and when to come back', async () => {
      const { secret: key } = await stack().newKey({ requestsPerMinute: 2 })
      for (let i = 0; i < 2; i++)
        expect((await stack().fetch('/v1/models', { key })).status).toBe(200)
      const refused = await stack().fetch('/v1/models', { key })
      expect(refused.status).toBe(429)
      expect(await refused.json()).toMatchObject({
        error: { type: 'requests', code: 'rate_limit_exceeded', param: null },
      })
      const seconds = Number(refused.headers.get('retry-after'))
      const ms = Number(refused.headers.get('retry-after-ms'))
      expect(seconds).toBe(Math.ceil(ms / 1000))
      expect(seconds).toBeGreaterThanOrEqual(25)
      expect(seconds).toBeLessThanOrEqual(30)
      await expect(stack().openai(key).models.list()).rejects.toThrow(RateLimitError)
    })

    test('takes nothing for a refusal', async () => {
      const { secret: key } = await stack().newKey({ requestsPerMinute: 1 })
      await stack().fetch('/v1/models', { key })
      const waits: number[] = []
      for (let i = 0; i < 5; i++) {
        const refused = await stack().fetch('/v1/models', { key })
        waits.push(Number(refused.headers.get('retry-after-ms')))
      }
      // Each that was taken would be another minute.
      expect(Math.min(...waits)).toBeGreaterThan(50_000)
      expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
    })

    test('lets no job in that is over it', async () => {
      const { secret: key } = await stack().newKey({ requestsPerMinute: 1 })
      await stack().fetch('/v1/models', { key })
      const json = { model: 'echo-1-0-0', messages: hello }
      const refused = await stack().fetch('/v1/chat/completions', { key, json })
      expect(refused.status).toBe(429)
      expect(refused.headers.get('x-generation-id')).toBeNull()
    })

    test('of one key is not that of another', async () => {
      const { secret: busy } = await stack().newKey({ requestsPerMinute: 1 })
      const { secret: idle } = await stack().newKey({ requestsPerMinute: 1 })
      await stack().fetch('/v1/models', { key: busy })
      expect((await stack().fetch('/v1/models', { key: busy })).status).toBe(429)
      expect((await stack().fetch('/v1/models', { key: idle })).status).toBe(200)
    })

    test('holds for many at once', async () => {
      const { secret: key } = await stack().newKey({ requestsPerMinute: 10 })
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => stack().fetch('/v1/models', { key })),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(20)
    })
  })

const CHAT = '/v1/chat/completions'

export const jobLimits = (stack: () => Stack) => {
  const ask = (key: string, more: object, init: RequestInit = {}) => {
    const json = { model: 'echo-5-0-0', messages: hello, ...more }
    return stack().fetch(CHAT, { ...init, key, json })
  }
  const remaining = async (key: string): Promise<number> => {
    const { headers } = await stack().fetch('/v1/models', { key })
    return Number(headers.get('x-ratelimit-remaining-tokens'))
  }

  describe('a token limit', () => {
    test('is taken as an estimate, and settled by what an answer used', async () => {
      const { secret: key } = await stack().newKey({ tokensPerMinute: 1_000 })
      const response = await ask(key, { max_tokens: 500 })
      expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('1000')
      expect(Number(response.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(500)
      expect(await response.json()).toMatchObject({ usage: { completion_tokens: 5 } })
      await until(async () => (await remaining(key)) > 950)
      expect(await remaining(key)).toBeLessThan(1_000)
    })

    test('is settled too when the reader is gone', async () => {
      const { secret: key } = await stack().newKey({ tokensPerMinute: 10_000 })
      const hangup = new AbortController()
      const slow = { model: 'echo-9999-5-0', stream: true, max_tokens: 9_000 }
      const response = await ask(key, slow, { signal: hangup.signal })
      await response.body?.getReader().read()
      expect(await remaining(key)).toBeLessThan(1_100)
      hangup.abort()
      await until(async () => (await remaining(key)) > 7_000)
    })

    test('refuses with 429 of type tokens, and takes no request either', async () => {
      const wanted = { tokensPerMinute: 1_000, requestsPerMinute: 10 }
      const { secret: key } = await stack().newKey(wanted)
      const slow = { model: 'echo-9999-5-0', stream: true, max_tokens: 900 }
      const hangup = new AbortController()
      await ask(key, slow, { signal: hangup.signal })
      const refused = await ask(key, slow)
      expect(refused.status).toBe(429)
      expect(refused.headers.get('retry-after-ms')).toMatch(/^\d+$/)
      expect(await refused.json()).toMatchObject({
        error: {
          type: 'tokens',
          code: 'rate_limit_exceeded',
          message: expect.stringContaining('This key may use 1000 tokens a minute.'),
        },
      })
      const { headers } = await stack().fetch('/v1/models', { key })
      expect(headers.get('x-ratelimit-remaining-requests')).toBe('8')
      hangup.abort()
    })

    test('refuses at once what would never pass, and says what to lower', async () => {
      const { secret: key } = await stack().newKey({ tokensPerMinute: 1_000 })
      const refused = await ask(key, { max_tokens: 1_001 })
      expect(refused.status).toBe(429)
      expect(refused.headers.get('x-should-retry')).toBe('false')
      expect(await refused.json()).toMatchObject({ error: { type: 'tokens', param: 'max_tokens' } })
      expect(await remaining(key)).toBe(1_000)
    })
  })

  describe('a limit of streams', () => {
    test('refuses one more, until one has ended', async () => {
      const { secret: key } = await stack().newKey({ concurrentStreams: 1 })
      const hangup = new AbortController()
      const slow = { model: 'echo-9999-5-0', stream: true }
      const first = await ask(key, slow, { signal: hangup.signal })
      await first.body?.getReader().read()
      const refused = await ask(key, {})
      expect(refused.status).toBe(429)
      expect(await refused.json()).toMatchObject({
        error: { message: expect.stringContaining('1 answer made at the same time') },
      })
      hangup.abort()
      await until(async () => (await ask(key, {})).ok)
    })
  })
}
