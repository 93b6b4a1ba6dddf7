import { RateLimitError } from 'openai'
import { describe, expect, test } from 'vitest'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'

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
      expect(waits).toEqual(waits.toSorted((a, b) => b - a))
      expect(waits[0]).toBeLessThanOrEqual(60_000)
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
