import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import type { BucketChange } from '../../proto/shared-bucket.ts'
import { openDb, type Db } from '../client.ts'
import { bucketClockMs, dropBuckets, swapBuckets } from './limit-buckets.ts'

let database: DatabaseFixture
let db: Db

beforeAll(async () => {
  database = await startDatabase()
  db = openDb(database.url)
})

afterAll(async () => {
  await db.$client.end()
  await database[Symbol.asyncDispose]()
})

const leases = { 'g1-x': { units: 3, untilMs: 5_000.25, seq: 1 } }
const change = (
  id: string,
  was: string | undefined,
  stamp: string,
  atMs = 1_000.125,
): BucketChange => ({ id, was, stamp, shared: { tatMs: 2_000.5, atMs, leases } })

describe('the buckets that gateways share', () => {
  test('are written where they are still what they were, and told as they are otherwise', async () => {
    expect(
      await swapBuckets(db, [change('a', undefined, 's1'), change('b', undefined, 's1')]),
    ).toEqual(new Map())
    const second = await swapBuckets(db, [
      change('a', 's1', 's2'),
      change('b', 's0', 's2'),
      change('c', 'forgotten', 's2'),
    ])
    const { shared } = change('b', undefined, '')
    expect(second).toEqual(new Map([['b', { stamp: 's1', shared }]]))
    expect(await swapBuckets(db, [change('a', undefined, 's3')])).toEqual(
      new Map([['a', { stamp: 's2', shared }]]),
    )
  })

  test('are written by one of those who try at the same time', async () => {
    const tries = await Promise.all(
      Array.from({ length: 8 }, (_, i) => swapBuckets(db, [change('d', undefined, `s${i}`)])),
    )
    expect(tries.filter((lost) => lost.size === 0)).toHaveLength(1)
  })

  test('have a clock that is not before any of them', async () => {
    const wallMs = await bucketClockMs(db)
    expect(Math.abs(wallMs - (Date.now() - Date.UTC(2026)))).toBeLessThan(10_000)
    await swapBuckets(db, [change('later', undefined, 's1', wallMs + 3_600_000)])
    expect(await bucketClockMs(db)).toBe(wallMs + 3_600_000)
  })

  test('are forgotten when they are old', async () => {
    await swapBuckets(db, [
      change('old', undefined, 's1', 10),
      change('new', undefined, 's1', 9_000),
    ])
    await dropBuckets(db, 500)
    expect((await swapBuckets(db, [change('old', 's0', 's2')])).size).toBe(0)
    expect((await swapBuckets(db, [change('new', 's0', 's2')])).size).toBe(1)
  })
})
