import { describe, test } from 'vitest'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { Key, Log } from '../ports.ts'
import { CachedKeys } from './cached-keys.ts'
import { keyOf } from './key-of.ts'

const key: Key = keyOf({ id: 'key_1' as KeyId, scope: 'developer', requestsPerMinute: 60 })
const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }

const [good, other] = [newApiKey(), newApiKey()]

/** A store whose answers a test gives by hand. */
function byHand() {
  const asked: { answer: (key: Key | undefined) => void; fail: () => void }[] = []
  const byHash = () =>
    new Promise<Key | undefined>((resolve, reject) => {
      asked.push({ answer: resolve, fail: () => reject(new Error('the database is away')) })
    })
  const next = async (n: number) => {
    while (asked[n] === undefined) await new Promise(setImmediate)
    return asked[n]
  }
  return { store: { byHash, byToken: byHash }, asked, next }
}

describe('cached keys', () => {
  test('ask the database once for a key that is used again', async ({ expect }) => {
    const { store, asked, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: 60_000, log: quiet })
    const first = keys.find(good)
    ;(await next(0)).answer(key)
    expect(await first).toEqual(key)
    expect(await keys.find(good)).toEqual(key)
    expect(asked).toHaveLength(1)
  })

  test.for([
    [true, 1],
    [false, 2],
  ] as const)('ask together only where they may: %s', async ([shares, questions], { expect }) => {
    const { store, asked, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: 60_000, log: quiet, shares })
    const both = [keys.find(good), keys.find(good)]
    await next(questions - 1)
    for (const { answer } of asked) answer(key)
    expect(await Promise.all(both)).toEqual([key, key])
    expect(asked).toHaveLength(questions)
  })

  test('ask again for a key that was revoked while others waited for it', async ({ expect }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: 60_000, log: quiet, shares: true })
    const first = keys.find(good)
    await next(0)
    keys.forget()
    const second = keys.find(good)
    ;(await next(1)).answer(undefined)
    ;(await next(0)).answer(key)
    expect(await Promise.all([first, second])).toEqual([key, undefined])
  })

  test('forget a key that was revoked while it was being looked up', async ({ expect }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: 60_000, log: quiet })
    const first = keys.find(good)
    const lookup = await next(0)
    keys.forget()
    lookup.answer(key)
    await first
    const second = keys.find(good)
    ;(await next(1)).answer(undefined)
    expect(await second).toBeUndefined()
  })

  test('keep a known key good while the database is away, and tell a stranger 503', async ({
    expect,
  }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: -1, log: quiet })
    const first = keys.find(good)
    ;(await next(0)).answer(key)
    await first
    const again = keys.find(good)
    ;(await next(1)).fail()
    expect(await again).toEqual(key)
    const stranger = keys.find(other)
    ;(await next(2)).fail()
    await expect(stranger).rejects.toMatchObject({ code: 'unavailable', status: 503 })
  })

  test('take a frozen database for one that is away', async ({ expect }) => {
    const { store, asked, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: -1, log: quiet })
    const first = keys.find(good)
    ;(await next(0)).answer(key)
    await first
    const startMs = performance.now()
    const [known, stranger] = await Promise.allSettled([keys.find(good), keys.find(other)])
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(known).toMatchObject({ status: 'fulfilled', value: key })
    expect(stranger).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    // And it is left alone for a moment: not every request waits for it.
    expect(await keys.find(good)).toEqual(key)
    expect(asked).toHaveLength(3)
  })

  test('never serve a key that was forgotten while the database was away', async ({ expect }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, { ttlMs: -1, log: quiet })
    const first = keys.find(good)
    ;(await next(0)).answer(key)
    await first
    const again = keys.find(good)
    const lookup = await next(1)
    keys.forget()
    lookup.fail()
    await expect(again).rejects.toMatchObject({ code: 'unavailable' })
  })

  test.for(['', 'sk', 'sk-june-wrong', `sk-june-${'x'.repeat(44)}`, `sk-june-${'x'.repeat(42)}!`])(
    'ask nobody about %j, which cannot be a key',
    async (secret, { expect }) => {
      const { store, asked } = byHand()
      expect(
        await new CachedKeys(store, { ttlMs: 60_000, log: quiet }).find(secret),
      ).toBeUndefined()
      expect(asked).toHaveLength(0)
    },
  )

  test('are not pushed out by wrong ones, which are remembered too', async ({ expect }) => {
    let lookups = 0
    const known = new Map([[await hashOf(good), key]])
    const byHash = (wanted: string) => {
      lookups++
      return Promise.resolve(known.get(wanted))
    }
    const keys = new CachedKeys({ byHash, byToken: byHash }, { ttlMs: 60_000, log: quiet })
    await keys.find(good)
    const last = newApiKey()
    for (let i = 0; i < 12_000; i++) await keys.find(newApiKey())
    await keys.find(last)
    const before = lookups
    expect(await keys.find(last)).toBeUndefined()
    expect(await keys.find(good)).toEqual(key)
    expect(lookups).toBe(before)
  })
})
