import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NewKey } from '../../proto/admin.ts'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import { newKeyId } from '../../proto/ids.ts'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import { openDb, type Db } from '../client.ts'
import { migrateDb } from '../migrate.ts'
import { keys } from '../schema/keys.ts'
import { createKey, ensureKey, findKeyByHash, listKeys, revokeKey } from './keys.ts'

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

const app: NewKey = { name: 'App', scope: 'developer', requestsPerMinute: 60 }

describe('a key', () => {
  test('is shown once, and only its hash and last four characters are kept', async () => {
    const { key, apiKey } = await createKey(db, app)
    expect(apiKey).toMatch(/^sk-june-[A-Za-z0-9_-]{43}$/)
    expect(key).toEqual({
      ...app,
      id: expect.stringMatching(/^key_[0-9a-f-]{36}$/),
      hash: await hashOf(apiKey),
      hint: apiKey.slice(-4),
      createdAt: expect.any(Date),
      revokedAt: null,
    })
    expect(JSON.stringify(await listKeys(db))).not.toContain(apiKey)
  })

  test('is found by its hash until it is revoked, and is listed still', async () => {
    const { key, apiKey } = await createKey(db, app)
    const hash = await hashOf(apiKey)
    expect(await findKeyByHash(db, hash)).toEqual(key)
    const revoked = await revokeKey(db, key.id)
    expect(revoked?.revokedAt).toBeInstanceOf(Date)
    expect(await findKeyByHash(db, hash)).toBeUndefined()
    expect(await listKeys(db)).toContainEqual(revoked)
  })

  test('keeps the time of its first revocation', async () => {
    const { key } = await createKey(db, app)
    const first = await revokeKey(db, key.id)
    expect(await revokeKey(db, key.id)).toEqual(first)
  })

  test('that nobody has cannot be revoked or found', async () => {
    expect(await revokeKey(db, newKeyId())).toBeUndefined()
    expect(await findKeyByHash(db, await hashOf(newApiKey()))).toBeUndefined()
  })

  test('made elsewhere is taken in once, and stays revoked', async () => {
    const apiKey = newApiKey()
    const key = await ensureKey(db, app, apiKey)
    expect(await ensureKey(db, { ...app, name: 'Again' }, apiKey)).toEqual(key)
    const revoked = await revokeKey(db, key.id)
    expect(await ensureKey(db, app, apiKey)).toEqual(revoked)
  })

  test('has a name, and allows some requests', async () => {
    await expect(createKey(db, { ...app, name: ' ' })).rejects.toThrow(/name/)
    await expect(createKey(db, { ...app, requestsPerMinute: 0 })).rejects.toThrow(
      /requestsPerMinute/,
    )
    const row = { ...app, id: newKeyId(), hash: await hashOf('x'), hint: 'x', requestsPerMinute: 0 }
    await expect(db.insert(keys).values(row)).rejects.toMatchObject({
      cause: { constraint_name: 'a_key_allows_some_requests' },
    })
  })
})

describe('the migrations', () => {
  test('do nothing the second time, and pgvector is there', async () => {
    await migrateDb(database.url)
    const [row] = await db.$client`select '[1,2]'::vector <-> '[1,3]'::vector as distance`
    expect(row).toEqual({ distance: 1 })
  })
})
