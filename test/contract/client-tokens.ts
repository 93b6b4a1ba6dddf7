import { describe, expect, test } from 'vitest'
import { ClientToken } from '../../proto/client-token.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

/** What a browser shows instead of a key. */
export function clientTokens(stack: () => Stack): void {
  const ask = (key: string, json: object) => stack().fetch('/v1/client_tokens', { key, json })
  const mint = async (key: string, json: object = {}): Promise<ClientToken> =>
    ClientToken.parse(await (await ask(key, json)).json())
  const opens = async (key: string) => (await stack().fetch('/v1/models', { key })).status

  describe('a client token', () => {
    test('opens what its key opens, and no more than it was made for', async () => {
      const { secret } = await stack().newKey({ models: ['echo-*'], cidrs: null })
      const { token } = await mint(secret, { routes: ['chat'], models: ['echo-1-*'], user: 'ann' })
      expect(token).toMatch(/^ct-june-[A-Za-z0-9_-]{43}$/)
      const chat = (model: string) =>
        stack().fetch('/v1/chat/completions', {
          key: token,
          json: { model, messages: hello, user: 'eve' },
        })
      const answer = await chat('echo-1-0-0')
      expect(answer.status).toBe(200)
      const recorded = await stack().ledger(String(answer.headers.get('x-generation-id')))
      expect(JSON.stringify(recorded)).toContain('"ann"')
      expect(JSON.stringify(recorded)).not.toContain('"eve"')
      expect((await chat('echo-2-0-0')).status).toBe(403)
      expect(await opens(token)).toBe(403)
    })

    test('makes no tokens and manages nothing, whatever its key may', async () => {
      const { secret } = await stack().newKey({ scope: 'admin', reach: 'deployment' })
      const { token } = await mint(secret)
      expect(await opens(token)).toBe(200)
      expect((await ask(token, {})).status).toBe(403)
      expect((await stack().fetch('/admin/keys', { key: token })).status).toBe(403)
    })

    test('opens what belongs to the whole project only where that is named, and makes no batch', async () => {
      const { secret } = await stack().newKey()
      const status = async (key: string, path: string) =>
        (await stack().fetch(path, { key })).status
      const plain = (await mint(secret)).token
      const named = (await mint(secret, { routes: ['files', 'batches', 'chat'] })).token
      for (const path of ['/v1/files', '/v1/batches', '/v1/usage?start_time=0'])
        expect([path, await status(secret, path), await status(plain, path)]).toEqual([
          path,
          200,
          403,
        ])
      expect([await status(named, '/v1/files'), await status(named, '/v1/batches')]).toEqual([
        200, 200,
      ])
      const json = {
        input_file_id: 'file-none',
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
      }
      const refused = await stack().fetch('/v1/batches', { key: named, json })
      expect([refused.status, await refused.json()]).toMatchObject([
        403,
        { error: { code: 'missing_scope', message: expect.stringContaining('batches') } },
      ])
    })

    test('ends with its key, within a second', async () => {
      const { id, secret } = await stack().newKey()
      const { token } = await mint(secret)
      expect(await opens(token)).toBe(200)
      await stack().fetch(`/admin/keys/${id}`, { key: stack().admin, method: 'DELETE' })
      expect(await until(async () => (await opens(token)) === 401)).toBeLessThan(1_000)
    })

    test('ends with the secret that made it, where that is replaced at once', async () => {
      const { id, secret } = await stack().newKey()
      const { token } = await mint(secret)
      expect(await opens(token)).toBe(200)
      const json = { overlapSeconds: 0 }
      await stack().fetch(`/admin/keys/${id}/rotate`, { key: stack().admin, json })
      expect(await until(async () => (await opens(token)) === 401)).toBeLessThan(1_000)
    })

    test('lives as long as it says, and no longer than its key', async () => {
      const expiresAt = new Date(Date.now() + 60_000).toISOString()
      const { secret } = await stack().newKey({ expiresAt })
      const short = await mint(secret, { expires_in: 30 })
      expect(Math.abs(short.expires_at - Date.now() / 1000 - 30)).toBeLessThan(5)
      const long = await mint(secret, { expires_in: 3_600 })
      expect(long.expires_at).toBe(Math.floor(Date.parse(expiresAt) / 1000))
    })

    test('is not bound to the addresses of the server that made it, but to its own', async () => {
      const { secret } = await stack().newKey({ cidrs: ['203.0.113.7'] })
      const post = { key: secret, headers: from('203.0.113.7') }
      const made = await stack().fetch('/v1/client_tokens', {
        ...post,
        json: { cidrs: ['198.51.100.0/24'] },
      })
      const { token: key } = ClientToken.parse(await made.json())
      const inside = await stack().fetch('/v1/models', { key, headers: from('198.51.100.9') })
      const outside = await stack().fetch('/v1/models', { key, headers: from('203.0.113.7') })
      expect([inside.status, outside.status]).toEqual([200, 403])
    })

    test.for([
      [{ expires_in: 9 }, 'expires_in'],
      [{ expires_in: 3_601 }, 'expires_in'],
      [{ routes: [] }, 'routes'],
      [{ user: 'a\u0000b' }, 'user'],
    ])('is not made of %j', async ([json, param]) => {
      const refused = await ask(stack().admin, json as object)
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param } }])
    })
  })
}

const from = (address: string) => ({ 'x-forwarded-for': address })
