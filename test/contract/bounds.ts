import { describe, expect, test } from 'vitest'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

/** What a key is held to, besides a number of requests. */
export function bounds(stack: () => Stack): void {
  const ask = (key: string, model = 'echo-1-0-0') =>
    stack().fetch('/v1/chat/completions', { key, json: { model, messages: hello } })

  describe('a key that is held to', () => {
    test('some routes opens no others, and says which one is missing', async () => {
      const { secret: key } = await stack().newKey({ routes: ['models'] })
      expect((await stack().fetch('/v1/models', { key })).status).toBe(200)
      const refused = await ask(key)
      expect(refused.status).toBe(403)
      expect(await errorOf(refused)).toMatchObject({
        code: 'missing_scope',
        message: 'You have insufficient permissions for this operation. Missing scopes: chat.',
      })
      const { secret: chatting } = await stack().newKey({ routes: ['chat'] })
      expect((await ask(chatting)).status).toBe(200)
      expect((await stack().fetch('/v1/models', { key: chatting })).status).toBe(403)
      expect((await stack().fetch('/v1/nothing', { key: chatting })).status).toBe(403)
      const gone = '/v1/streams/job_01980000-0000-7000-8000-000000000000'
      expect((await stack().fetch(gone, { key: chatting })).status).toBe(404)
      expect((await stack().fetch(gone, { key })).status).toBe(403)
    })

    test('some models sees and asks no others', async () => {
      const { secret: key } = await stack().newKey({ models: ['echo-1-*', 'echo-2-0-0'] })
      expect((await ask(key)).status).toBe(200)
      const refused = await ask(key, 'echo-3-0-0')
      expect(refused.status).toBe(403)
      expect(await errorOf(refused)).toMatchObject({ code: 'model_not_found', param: 'model' })
      // Whether there is such a model is not said.
      expect((await ask(key, 'no-such-model')).status).toBe(403)
      const { secret: none } = await stack().newKey({ models: ['nothing-*'] })
      const listed = await (await stack().fetch('/v1/models', { key: none })).json()
      expect(listed).toEqual({ object: 'list', data: [] })
      expect((await stack().fetch('/v1/models/echo', { key: none })).status).toBe(403)
    })

    test('some addresses opens from no others', async () => {
      const { secret: key } = await stack().newKey({ cidrs: ['203.0.113.0/24', '2001:db8::/32'] })
      const from = (address: string) =>
        stack().fetch('/v1/models', { key, headers: { 'x-forwarded-for': address } })
      expect((await from('203.0.113.9')).status).toBe(200)
      expect((await from('2001:db8::1')).status).toBe(200)
      expect((await from('203.0.113.9, 198.51.100.1')).status).toBe(403)
      const refused = await from('198.51.100.1')
      expect(refused.status).toBe(403)
      expect(await errorOf(refused)).toMatchObject({
        code: 'ip_not_authorized',
        message: expect.stringContaining('198.51.100.1'),
      })
      expect((await stack().fetch('/v1/models', { key })).status).toBe(403)
    })

    test('a time opens nothing after it, though it was used all along', async () => {
      const expiresAt = new Date(Date.now() + 1_500).toISOString()
      const { secret: key } = await stack().newKey({ expiresAt })
      expect((await stack().fetch('/v1/models', { key })).status).toBe(200)
      await until(async () => (await stack().fetch('/v1/models', { key })).status === 401)
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt))
      expect(Date.now()).toBeLessThan(Date.parse(expiresAt) + 500)
      expect(await errorOf(await stack().fetch('/v1/models', { key }))).toMatchObject({
        code: 'invalid_api_key',
        message: `This API key expired at ${expiresAt}. Ask the operator for another.`,
      })
    })

    test.for([
      [{ routes: [] }, 'routes'],
      [{ routes: ['chat', 'dance'] }, 'routes[1]'],
      [{ models: ['a*b'] }, 'models[0]'],
      [{ cidrs: ['10.0.0.0/33'] }, 'cidrs[0]'],
      [{ expiresAt: 'tomorrow' }, 'expiresAt'],
      [{ requestsPerMinute: -1 }, 'requestsPerMinute'],
      [{ tokensPerMinute: 1e300 }, 'tokensPerMinute'],
      [{ name: 'x'.repeat(10_000) }, 'name'],
      [{ name: 'a\u001b[2Jb' }, 'name'],
      [{ name: '\u202egnp.exe' }, 'name'],
      [{ name: 'a\u0000b' }, 'name'],
    ])('%j is not made', async ([bound, param]) => {
      const json = { name: 'a test', ...(bound as object) }
      const refused = await stack().fetch('/admin/keys', { key: stack().admin, json })
      expect([refused.status, await errorOf(refused)]).toMatchObject([400, { param }])
    })
  })
}

const errorOf = async (response: Response): Promise<object> =>
  ((await response.json()) as { error: object }).error
