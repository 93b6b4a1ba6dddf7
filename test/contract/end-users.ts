import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { IssuerView } from '../../proto/issuers.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const SECRET = 'a secret of the app, of forty characters'
const APP = { issuer: 'https://app.example', audience: 'june' }

/** Those who come with a token that their app's own issuer signed. */
export function endUsers(stack: () => Stack): void {
  const add = (json: object) => stack().fetch('/admin/issuers', { key: stack().admin, json })
  const opens = async (key: string) => (await stack().fetch('/v1/models', { key })).status

  describe('an end user of an app', () => {
    test('asks with what the app signed, is counted by name, and ends with the issuer', async () => {
      const { id: key } = await stack().newKey({ models: ['echo-*'] })
      const made = await add({
        ...APP,
        key,
        algorithm: 'HS256',
        secret: SECRET,
        userRequestsPerMinute: 3,
      })
      expect(made.status).toBe(201)
      const shown = await made.text()
      expect(shown).not.toContain(SECRET)
      const { id } = IssuerView.parse(JSON.parse(shown))
      const ann = await signed('ann', new TextEncoder().encode(SECRET), 'HS256')
      const json = { model: 'echo-1-0-0', messages: hello }
      const answer = await stack().fetch('/v1/chat/completions', { key: ann, json })
      expect(answer.status).toBe(200)
      const recorded = await stack().ledger(String(answer.headers.get('x-generation-id')))
      expect(JSON.stringify(recorded)).toContain('"ann"')
      expect((await stack().fetch('/admin/keys', { key: ann })).status).toBe(403)
      expect([await opens(ann), await opens(ann), await opens(ann)]).toEqual([200, 200, 429])
      const ben = await signed('ben', new TextEncoder().encode(SECRET), 'HS256')
      expect(await opens(ben)).toBe(200)
      const other = new TextEncoder().encode(SECRET.replace('a', 'b'))
      expect(await opens(await signed('ann', other, 'HS256'))).toBe(401)
      await stack().fetch(`/admin/issuers/${id}`, { key: stack().admin, method: 'DELETE' })
      expect(await until(async () => (await opens(ben)) === 401)).toBeLessThan(1_000)
    })

    test('is known by the public keys that the issuer publishes', async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      const published = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] }
      const server = createServer((_, response) => void response.end(JSON.stringify(published)))
      server.listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
      const { id: key } = await stack().newKey()
      const issuer = 'https://published.example'
      expect((await add({ ...APP, issuer, key, algorithm: 'ES256', jwksUrl })).status).toBe(201)
      expect(await opens(await signed('ann', privateKey, 'ES256', issuer))).toBe(200)
      const stranger = await generateKeyPair('ES256')
      expect(await opens(await signed('ann', stranger.privateKey, 'ES256', issuer))).toBe(401)
    })

    test.for([
      [{ algorithm: 'none', secret: SECRET }, 'algorithm'],
      [{ algorithm: 'HS256' }, 'secret'],
      [{ algorithm: 'HS256', secret: 'short' }, 'secret'],
      [{ algorithm: 'RS256', secret: SECRET }, 'secret'],
      [{ algorithm: 'RS256' }, 'jwks'],
      [{ algorithm: 'RS256', jwksUrl: 'http://elsewhere.example/jwks' }, 'jwksUrl'],
      [{ algorithm: 'RS256', jwksUrl: 'file:///etc/passwd' }, 'jwksUrl'],
      [{ algorithm: 'ES256', jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, 'jwks'],
    ] as const)('is not let in by %j', async ([how, param]) => {
      const key = 'key_01980000-0000-7000-8000-000000000000'
      const refused = await add({ ...APP, key, ...how })
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param } }])
    })
  })
}

const signed = (sub: string, by: Uint8Array | CryptoKey, alg: string, iss = APP.issuer) =>
  new SignJWT({ sub, iss, aud: APP.audience })
    .setExpirationTime('1m')
    .setProtectedHeader({ alg, ...(alg === 'HS256' ? {} : { kid: 'k1' }) })
    .sign(by)
