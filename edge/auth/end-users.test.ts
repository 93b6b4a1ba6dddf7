import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { beforeAll, describe, onTestFinished, test, vi } from 'vitest'
import type { KeyId } from '../../proto/ids.ts'
import type { Log } from '../ports.ts'
import { EndUsers, isJwt, type Issuer } from './end-users.ts'
import { keyOf } from './key-of.ts'
import { PublishedKeys, type Fetch } from './published-keys.ts'
import { vaultOf } from './vault.ts'

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }
const key = keyOf({ id: 'key_1' as KeyId, scope: 'developer', requestsPerMinute: 60 })
const secret = 'a secret of thirty-two characters'
const base = { key, issuer: 'https://app', audience: 'june', userRequestsPerMinute: null }
const none = { secret: null, jwks: null, jwksUrl: null }
const hs256: Issuer = { ...base, ...none, algorithm: 'HS256', secret: `plain:${secret}` }
const URL_OF = 'https://app/jwks'
const published = (algorithm: 'RS256' | 'ES256'): Issuer => ({
  ...base,
  ...none,
  algorithm,
  jwksUrl: URL_OF,
})

interface Pair {
  privateKey: CryptoKey
  jwk: JWK
}

let rsa: Pair
let ec: Pair
let rotated: Pair

beforeAll(async () => {
  ;[rsa, ec, rotated] = await Promise.all([
    pair('RS256', 'r1'),
    pair('ES256', 'e1'),
    pair('ES256', 'e2'),
  ])
})

async function pair(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } }
}

const text = (of: string) => new TextEncoder().encode(of)

const token = (
  claims: Record<string, unknown> = {},
  alg = 'HS256',
  by: Uint8Array | Pair = text(secret),
) => {
  const inASecond = Math.floor(Date.now() / 1000)
  const all = { iss: base.issuer, aud: base.audience, sub: 'ann', exp: inASecond + 60, ...claims }
  const header = { alg, ...(by instanceof Uint8Array ? {} : { kid: by.jwk.kid ?? '' }) }
  return new SignJWT(all)
    .setProtectedHeader(header)
    .sign(by instanceof Uint8Array ? by : by.privateKey)
}

/** An issuer's page of keys, and how often it was asked for. */
function page(...keys: JWK[]) {
  const told = { keys, asked: 0, away: false }
  const fetch: Fetch = async () => {
    told.asked++
    await new Promise(setImmediate)
    if (told.away) throw new Error('the issuer is away')
    return Response.json({ keys: told.keys })
  }
  return { told, fetch }
}

const users = (issuers: readonly Issuer[], fetch: Fetch = page().fetch) =>
  new EndUsers({
    store: {
      byIssuer: (name, audience) =>
        Promise.resolve(issuers.filter((one) => one.issuer === name && one.audience === audience)),
    },
    published: new PublishedKeys(fetch, quiet),
    vault: vaultOf(undefined),
    ttlMs: 60_000,
    log: quiet,
  })

const now = () => Math.floor(Date.now() / 1000)
const unauthenticated = { code: 'unauthenticated' }

describe('a token of an end user', () => {
  test('opens what its key opens, for its user and until it ends', async ({ expect }) => {
    const exp = now() + 30
    const admin = { ...key, scope: 'admin' as const, reach: 'deployment' as const }
    const all = users([{ ...hs256, key: admin, userRequestsPerMinute: 5 }])
    expect(await all.find(await token({ exp }))).toEqual({
      ...key,
      expiresAtMs: (exp + 5) * 1000,
      user: { id: 'ann', requestsPerMinute: 5 },
      minted: true,
    })
    const short = { ...key, expiresAtMs: 1 }
    expect((await users([{ ...hs256, key: short }]).find(await token())).expiresAtMs).toBe(1)
  })

  test.for([
    ['was signed by another', {}, 'HS256', text('another secret of the same length'), /signature/],
    ['has expired', { exp: 1_000_000_000 }, 'HS256', text(secret), /expired/],
    ['never expires', { exp: undefined }, 'HS256', text(secret), /claim/],
    ['is not valid yet', { nbf: 99_999_999_999 }, 'HS256', text(secret), /claim/],
    ['is for somebody else', { aud: 'july' }, 'HS256', text(secret), /issuer is not known/],
    ['is for nobody', { aud: undefined }, 'HS256', text(secret), /issuer is not known/],
    [
      'is for too many',
      { aud: ['a', 'b', 'c', 'd', 'e', 'june'] },
      'HS256',
      text(secret),
      /is not known/,
    ],
    ['is of nobody', { sub: undefined }, 'HS256', text(secret), /claim/],
    ['names an empty user', { sub: '' }, 'HS256', text(secret), /"sub"/],
    ['names a user of control characters', { sub: 'a\u0000' }, 'HS256', text(secret), /"sub"/],
    ['is of a stranger', { iss: 'https://else' }, 'HS256', text(secret), /issuer is not known/],
    ['is of no issuer', { iss: undefined }, 'HS256', text(secret), /issuer is not known/],
    ['signs in another way', {}, 'HS512', text(secret.repeat(2)), /issuer is not known/],
  ] as const)('that %s opens nothing', async ([, claims, alg, by, why], { expect }) => {
    const refused = users([hs256]).find(await token(claims, alg, by))
    await expect(refused).rejects.toMatchObject({
      ...unauthenticated,
      message: expect.stringMatching(why),
    })
  })

  test('may be off by as much as clocks are', async ({ expect }) => {
    const all = users([hs256])
    expect(await all.find(await token({ exp: now() - 2, nbf: now() + 2 }))).toMatchObject({
      minted: true,
    })
    await expect(all.find(await token({ exp: now() - 10 }))).rejects.toMatchObject(unauthenticated)
  })

  test('that is signed with nothing, or with a public key as if it were a secret, opens nothing', async ({
    expect,
  }) => {
    const { told, fetch } = page(rsa.jwk)
    const all = users([published('RS256'), hs256], fetch)
    const [, body] = (await token()).split('.')
    const unsigned = `${btoa('{"alg":"none"}').replace('=', '')}.${body}.x`
    await expect(all.find(unsigned)).rejects.toMatchObject(unauthenticated)
    const forged = await token({}, 'HS256', text(JSON.stringify(rsa.jwk)))
    await expect(users([published('RS256')], fetch).find(forged)).rejects.toMatchObject(
      unauthenticated,
    )
    expect(told.asked).toBe(0)
  })

  test('is tried with all who take its issuer, the oldest first', async ({ expect }) => {
    const second = {
      ...hs256,
      secret: 'plain:a second secret of the issuer, newer',
      key: { ...key, id: 'key_2' as KeyId },
    }
    const all = users([hs256, second])
    expect(await all.find(await token())).toMatchObject({ id: 'key_1' })
    const newer = await token({}, 'HS256', text('a second secret of the issuer, newer'))
    expect(await all.find(newer)).toMatchObject({ id: 'key_2' })
  })

  test('opens whatever becomes of others who take its issuer', async ({ expect }) => {
    const sealed = { ...hs256, secret: 'aes-gcm:of a secret that is lost' }
    const mine = { ...hs256, key: { ...key, id: 'key_2' as KeyId } }
    expect(await users([sealed, mine]).find(await token())).toMatchObject({ id: 'key_2' })
    await expect(users([sealed]).find(await token())).rejects.toMatchObject({ code: 'internal' })
    const stranger = await token({}, 'HS256', text('another secret of the same length'))
    await expect(users([sealed, mine]).find(stranger)).rejects.toMatchObject({ code: 'internal' })
  })

  test('is tried with those alone who take it for an audience that it names', async ({
    expect,
  }) => {
    const { told, fetch } = page(ec.jwk)
    const others = { ...published('ES256'), audience: 'july' }
    const mine: Issuer = { ...base, ...none, algorithm: 'ES256', jwks: { keys: [ec.jwk as never] } }
    const all = users([others, mine], fetch)
    const several = await token({ aud: ['august', 'june'] }, 'ES256', ec)
    expect(await all.find(several)).toMatchObject({ user: { id: 'ann' } })
    expect(told.asked).toBe(0)
  })

  test('of RS256 and ES256 opens by the keys that its issuer gave or publishes', async ({
    expect,
  }) => {
    const { fetch } = page(rsa.jwk, ec.jwk)
    const all = users([published('RS256'), published('ES256')], fetch)
    expect(await all.find(await token({}, 'RS256', rsa))).toMatchObject({ user: { id: 'ann' } })
    expect(await all.find(await token({}, 'ES256', ec))).toMatchObject({ user: { id: 'ann' } })
    const given = users([
      { ...base, ...none, algorithm: 'ES256', jwks: { keys: [ec.jwk as never] } },
    ])
    expect(await given.find(await token({}, 'ES256', ec))).toMatchObject({ user: { id: 'ann' } })
    await expect(given.find(await token({}, 'ES256', rotated))).rejects.toThrow(
      /no key of that "kid"/,
    )
  })
})

describe('keys that an issuer publishes', () => {
  test('are asked for once, however many come at once', async ({ expect }) => {
    const { told, fetch } = page(ec.jwk)
    const all = users([published('ES256')], fetch)
    const mine = await token({}, 'ES256', ec)
    await Promise.all(Array.from({ length: 20 }, () => all.find(mine)))
    expect(told.asked).toBe(1)
  })

  test('are not asked for again for each that a stranger names', async ({ expect }) => {
    const { told, fetch } = page(ec.jwk)
    const all = users([published('ES256')], fetch)
    const fresh = await token({}, 'ES256', rotated)
    for (let i = 0; i < 5; i++) await expect(all.find(fresh)).rejects.toThrow(/kid/)
    expect(told.asked).toBe(1)
  })

  test('are taken as they are now once the issuer may be asked again', async ({ expect }) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { told, fetch } = page(ec.jwk)
    const all = users([published('ES256')], fetch)
    const [before, after] = [await token({}, 'ES256', ec), await token({}, 'ES256', rotated)]
    await all.find(before)
    told.keys = [rotated.jwk]
    vi.advanceTimersByTime(31_000)
    expect(await all.find(after)).toMatchObject({ minted: true })
    await expect(all.find(before)).rejects.toThrow(/kid/)
    expect(told.asked).toBe(2)
  })

  test('are good while the issuer is away, and nobody is let in by one that never answered', async ({
    expect,
  }) => {
    const { told, fetch } = page(ec.jwk)
    const all = users([published('ES256')], fetch)
    const mine = await token({}, 'ES256', ec)
    await all.find(mine)
    told.away = true
    expect(await all.find(mine)).toMatchObject({ minted: true })
    const cold = page(ec.jwk)
    cold.told.away = true
    await expect(users([published('ES256')], cold.fetch).find(mine)).rejects.toMatchObject({
      status: 503,
    })
    expect(cold.told.asked).toBe(1)
  })
})

describe('what looks like a token', () => {
  test.for([
    ['a.b.c', true],
    ['sk-june-abc', false],
    ['a.b', false],
    ['a.b.c.d', false],
    ['a..c', false],
  ] as const)('%s: %s', ([given, is], { expect }) => {
    expect(isJwt(given)).toBe(is)
  })

  test.for(['e30.e30.e30', 'a.b.c', 'eyJhbGciOiJIUzI1NiJ9.W10.x'])(
    '%s opens nothing',
    async (given, { expect }) => {
      await expect(users([hs256]).find(given)).rejects.toMatchObject(unauthenticated)
    },
  )
})
