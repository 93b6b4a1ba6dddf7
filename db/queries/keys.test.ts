import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOf, newApiKey } from '../../proto/api-key.ts'
import { newKeyId, newOrganisationId, newProjectId } from '../../proto/ids.ts'
import { UNLIMITED } from '../../proto/limits.ts'
import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import { openDb, type Db } from '../client.ts'
import { migrateDb } from '../migrate.ts'
import { modelLimits } from '../schema/model-limits.ts'
import { organisations } from '../schema/organisations.ts'
import { projects } from '../schema/projects.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import { keys } from '../schema/keys.ts'
import { findKeyByHash } from './find-key.ts'
import { createKey, ensureKey, findKey, revokeKey, type Wanted } from './keys.ts'

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

const app: Wanted = { name: 'App', scope: 'developer', requestsPerMinute: 60 }

describe('a key', () => {
  test('is shown once, and only its hash and last four characters are kept', async () => {
    const { key, apiKey } = await createKey(db, app)
    expect(apiKey).toMatch(/^sk-june-[A-Za-z0-9_-]{43}$/)
    expect(key).toEqual({
      ...UNLIMITED,
      ...app,
      id: expect.stringMatching(/^key_[0-9a-f-]{36}$/),
      project: DEFAULT_PROJECT,
      organisation: DEFAULT_ORGANISATION,
      hint: apiKey.slice(-4),
      former: null,
      reach: null,
      routes: null,
      models: null,
      cidrs: null,
      createdAt: expect.any(Date),
      expiresAt: null,
      revokedAt: null,
    })
    expect(JSON.stringify(await findKey(db, key.id))).not.toContain(apiKey)
    const [secret] = await db.select().from(keySecrets).where(eq(keySecrets.key, key.id))
    expect(secret).toMatchObject({ hash: await hashOf(apiKey), current: true, expiresAt: null })
  })

  test('is found by its hash until it is revoked, and is known still', async () => {
    const { key, apiKey } = await createKey(db, app)
    const hash = await hashOf(apiKey)
    const { hint: _, former: __, ...held } = key
    expect(await findKeyByHash(db, hash)).toEqual({
      ...held,
      secretExpiresAt: null,
      cache: null,
      projectLimits: UNLIMITED,
      modelLimits: {},
    })
    const revoked = await revokeKey(db, key.id)
    expect(revoked?.revokedAt).toBeInstanceOf(Date)
    expect(await findKeyByHash(db, hash)).toBeUndefined()
    expect(await findKey(db, key.id)).toEqual(revoked)
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
    const row = { id: newKeyId(), name: 'x', scope: 'developer', project: DEFAULT_PROJECT } as const
    await expect(db.insert(keys).values({ ...row, requestsPerMinute: 0 })).rejects.toMatchObject({
      cause: { constraint_name: 'a_key_allows_some_requests' },
    })
  })
})

describe('what a secret opens', () => {
  test('comes with the limits of its project and of the models there', async () => {
    const project = newProjectId()
    const mine = { ...UNLIMITED, tokensPerMinute: 5_000 }
    const big = { ...UNLIMITED, concurrentStreams: 2 }
    await db
      .insert(projects)
      .values({ id: project, organisation: DEFAULT_ORGANISATION, name: 'p', ...mine })
    await db.insert(modelLimits).values({ project, model: 'big', ...big })
    const { apiKey } = await createKey(db, {
      ...app,
      project,
      routes: ['chat'],
      models: ['big', 'qwen*'],
      cidrs: ['10.0.0.0/8'],
      expiresAt: '2100-01-01T00:00:00Z',
    })
    expect(await findKeyByHash(db, await hashOf(apiKey))).toMatchObject({
      project,
      organisation: DEFAULT_ORGANISATION,
      routes: ['chat'],
      models: ['big', 'qwen*'],
      cidrs: ['10.0.0.0/8'],
      expiresAt: new Date('2100-01-01T00:00:00Z'),
      projectLimits: mine,
      modelLimits: { big },
    })
  })

  test('is nothing in a project or an organisation that was archived', async () => {
    const [organisation, project] = [newOrganisationId(), newProjectId()]
    await db.insert(organisations).values({ id: organisation, name: 'o' })
    await db.insert(projects).values({ id: project, organisation, name: 'p' })
    const hash = await hashOf((await createKey(db, { ...app, project })).apiKey)
    const isOpen = async () => (await findKeyByHash(db, hash)) !== undefined
    expect(await isOpen()).toBe(true)
    await db.update(projects).set({ archivedAt: new Date() }).where(eq(projects.id, project))
    expect(await isOpen()).toBe(false)
    await db.update(projects).set({ archivedAt: null }).where(eq(projects.id, project))
    await db
      .update(organisations)
      .set({ archivedAt: new Date() })
      .where(eq(organisations.id, organisation))
    expect(await isOpen()).toBe(false)
  })
})

describe('the migrations', () => {
  test('do nothing the second time, and pgvector is there', async () => {
    await migrateDb(database.url)
    const [row] = await db.$client`select '[1,2]'::vector <-> '[1,3]'::vector as distance`
    expect(row).toEqual({ distance: 1 })
  })
})
