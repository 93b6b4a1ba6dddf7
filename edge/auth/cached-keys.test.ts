import { describe, test } from 'vitest'
import type { KeyId } from '../../proto/ids.ts'
import type { Key, Log } from '../ports.ts'
import { CachedKeys } from './cached-keys.ts'

const key: Key = { id: 'key_1' as KeyId, scope: 'developer', requestsPerMinute: 60 }
const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }

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
  return { store: { byHash }, asked, next }
}

describe('cached keys', () => {
  test('ask the database once for a key that is used again', async ({ expect }) => {
    const { store, asked, next } = byHand()
    const keys = new CachedKeys(store, 60_000, quiet)
    const first = keys.find('sk')
    ;(await next(0)).answer(key)
    expect(await first).toEqual(key)
    expect(await keys.find('sk')).toEqual(key)
    expect(asked).toHaveLength(1)
  })

  test('forget a key that was revoked while it was being looked up', async ({ expect }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, 60_000, quiet)
    const first = keys.find('sk')
    const lookup = await next(0)
    keys.forget()
    lookup.answer(key)
    await first
    const second = keys.find('sk')
    ;(await next(1)).answer(undefined)
    expect(await second).toBeUndefined()
  })

  test('keep a known key good while the database is away, and tell a stranger 503', async ({
    expect,
  }) => {
    const { store, next } = byHand()
    const keys = new CachedKeys(store, -1, quiet)
    const first = keys.find('known')
    ;(await next(0)).answer(key)
    await first
    const again = keys.find('known')
    ;(await next(1)).fail()
    expect(await again).toEqual(key)
    const stranger = keys.find('stranger')
    ;(await next(2)).fail()
    await expect(stranger).rejects.toMatchObject({ code: 'unavailable', status: 503 })
  })
})
