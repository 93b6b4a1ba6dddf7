import { describe, expect, test } from 'vitest'
import { KeyList, KeyView } from '../../proto/admin.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const refusal = (message: RegExp) => ({
  error: {
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    param: null,
    message: expect.stringMatching(message),
  },
})

export function keys(stack: () => Stack): void {
  const models = (headers: Record<string, string>) => stack().fetch('/v1/models', { headers })
  const make = (json: object) => stack().fetch('/admin/keys', { key: stack().admin, json })
  const revoke = (id: string) =>
    stack().fetch(`/admin/keys/${id}`, { key: stack().admin, method: 'DELETE' })

  describe('a key', () => {
    test('is asked for', async () => {
      const response = await models({})
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual(refusal(/No API key/))
    })

    test.for(['Bearer sk-june-wrong', 'Bearer  ', 'Basic abc', `Bearer ${'x'.repeat(5_000)}`])(
      'is not %s',
      async (authorization) => {
        const response = await models({ authorization })
        expect(response.status).toBe(401)
        expect(await response.json()).toEqual(refusal(/./))
      },
    )

    test('of a developer opens no admin route', async () => {
      const { secret } = await stack().newKey({ scope: 'developer' })
      const response = await stack().fetch('/admin/keys', { key: secret })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ error: { code: 'missing_scope' } })
    })

    test('is made, listed without its secret, and revoked within a second', async () => {
      const { secret, ...made } = await stack().newKey({ name: 'mine', requestsPerMinute: 1234 })
      const { id } = made
      const authorization = `Bearer ${secret}`
      const first = await models({ authorization })
      expect(first.status).toBe(200)
      expect(first.headers.get('x-ratelimit-limit-requests')).toBe('1234')

      const listed = await (await stack().fetch('/admin/keys', { key: stack().admin })).text()
      expect(listed).not.toContain(secret)
      const { data } = KeyList.parse(JSON.parse(listed))
      expect(data.find((key) => key.id === id)).toEqual({ ...made, hint: secret.slice(-4) })

      // It is used all the time, so whatever remembers it remembers it well.
      expect((await models({ authorization })).status).toBe(200)
      expect(KeyView.parse(await (await revoke(id)).json()).revokedAt).not.toBeNull()
      const tookMs = await until(async () => (await models({ authorization })).status === 401)
      expect(tookMs).toBeLessThan(1_000)
      expect(await (await models({ authorization })).json()).toEqual(refusal(/revoked/))
    })

    test('is known for itself among many that come at once', async () => {
      const limits = Array.from({ length: 12 }, (_, i) => 1_000 + i)
      const made = await Promise.all(
        limits.map((requestsPerMinute) => stack().newKey({ requestsPerMinute })),
      )
      const told = await Promise.all(
        made.map(async ({ secret }) => {
          const [answer] = await Promise.all([
            models({ authorization: `Bearer ${secret}` }),
            stack().fetch('/ready'),
          ])
          return Number(answer.headers.get('x-ratelimit-limit-requests'))
        }),
      )
      expect(told).toEqual(limits)
    })

    test('that does not exist cannot be revoked', async () => {
      expect((await revoke('key_01980000-0000-7000-8000-000000000000')).status).toBe(404)
      expect((await revoke('nonsense')).status).toBe(400)
    })

    test('needs a name and a sensible limit', async () => {
      expect((await make({ name: '' })).status).toBe(400)
      expect((await make({ name: 'x', requestsPerMinute: 0 })).status).toBe(400)
      // A bound that is misspelt would be none.
      expect((await make({ name: 'x', requests_per_minute: 2 })).status).toBe(400)
      expect((await make({ name: 'x', scope: 'king' })).status).toBe(400)
      expect((await make({ name: 'x' })).status).toBe(201)
    })
  })
}
