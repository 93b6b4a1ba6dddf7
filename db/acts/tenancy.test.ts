import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDatabase, type DatabaseFixture } from '../../infra/testing/start-database.ts'
import { NewKey, type Reach } from '../../proto/admin.ts'
import { hashOf } from '../../proto/api-key.ts'
import { newKeyId, newProjectId } from '../../proto/ids.ts'
import { UNLIMITED } from '../../proto/limits.ts'
import type { ProjectView } from '../../proto/organisations.ts'
import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import { openDb, type Db } from '../client.ts'
import { findIssuers, findKeyByHash, keysOpenedBy } from '../queries/find-key.ts'
import { auditLog } from '../schema/audit-log.ts'
import { keySecrets } from '../schema/key-secrets.ts'
import type { Actor } from './act.ts'
import { tenancyOver, type BoundTenancy } from './tenancy.ts'

let database: DatabaseFixture
let db: Db
let june: BoundTenancy
let told = 0

beforeAll(async () => {
  database = await startDatabase()
  db = openDb(database.url)
  june = tenancyOver({
    ask: (query) => query(db),
    changed: () => {
      told++
      return Promise.resolve()
    },
  })
})
afterAll(async () => {
  await db.$client.end()
  await database[Symbol.asyncDispose]()
})

const root: Actor = {
  key: newKeyId(),
  domain: { organisation: null, project: null },
  home: { organisation: DEFAULT_ORGANISATION, project: DEFAULT_PROJECT },
  requestId: 'req_test',
  address: '203.0.113.7',
}
const page = { limit: 20 }

/** An organisation with a project, and those who manage them and nothing else. */
async function customer(name: string) {
  const { id: organisation } = await june.createOrganisation(root, { name })
  const project = await june.createProject(root, { name: `${name}'s`, organisation })
  const home = { organisation, project: project.id }
  const owner: Actor = { ...root, key: newKeyId(), domain: { organisation, project: null }, home }
  const lead: Actor = { ...root, key: newKeyId(), domain: home, home }
  return { organisation, project, owner, lead }
}

const app = NewKey.parse({ name: 'App' })
const adminOf = (reach: Reach): NewKey => ({ ...app, scope: 'admin', reach })
const acts = async () => (await db.select().from(auditLog)).length
const opens = async (secret: string) =>
  (await findKeyByHash(db, await hashOf(secret))) !== undefined

describe('an act', () => {
  test('is told to the gateways and written down, with what was and what is, and no secret', async () => {
    const before = told
    const made = await june.createKey(root, { ...app, models: ['qwen*'] })
    const { secret, ...view } = made
    const renamed = await june.updateKey(root, [made.id, { name: 'Renamed', tokensPerMinute: 9 }])
    expect(told).toBe(before + 2)
    const { data } = await june.listAudit(root, { ...page, target: made.id })
    const written = {
      id: expect.stringMatching(/^audit_/),
      at: expect.any(String),
      actor: root.key,
      target: made.id,
      organisation: DEFAULT_ORGANISATION,
      project: DEFAULT_PROJECT,
      requestId: 'req_test',
      address: '203.0.113.7',
    }
    expect(data).toEqual([
      { ...written, action: 'key.update', before: view, after: renamed },
      { ...written, action: 'key.create', before: null, after: view },
    ])
    expect(renamed).toEqual({ ...view, name: 'Renamed', tokensPerMinute: 9 })
    const all = JSON.stringify(await db.select().from(auditLog))
    expect(all).not.toContain(secret)
    expect(all).not.toContain(await hashOf(secret))
  })

  test('on what a project keeps of its answers is written down as the others are', async () => {
    const { project } = await customer('Cached')
    const cache = { ttlMs: 60_000, maxEntryBytes: 4_096 }
    const cached = await june.updateProject(root, [project.id, { cache }])
    await june.updateProject(root, [project.id, { cache: null }])
    const { data } = await june.listAudit(root, { ...page, target: project.id })
    expect(data).toMatchObject([
      { action: 'project.update', before: { cache }, after: { cache: null } },
      { action: 'project.update', before: { cache: null }, after: { ...cached, cache } },
      { action: 'project.create' },
    ])
  })

  test('that is refused changes nothing, writes nothing and is told to nobody', async () => {
    const { project, lead } = await customer('Refused')
    const [written, said] = [await acts(), told]
    await expect(june.updateProject(lead, [project.id, { tokensPerMinute: 1 }])).rejects.toThrow(
      /Missing scopes: admin.organisation/,
    )
    await expect(june.revokeKey(root, newKeyId())).rejects.toMatchObject({ code: 'not_found' })
    await expect(june.createKey(root, { ...app, project: newProjectId() })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect([await acts(), told]).toEqual([written, said])
    expect(await june.readProject(root, project.id)).toEqual(project)
  })

  test('that cannot be written down is not carried out', async () => {
    const { id, secret } = await june.createKey(root, app)
    const nameless = { ...root, requestId: null as unknown as string }
    await expect(june.revokeKey(nameless, id)).rejects.toThrow(/Failed query/)
    await expect(june.rotateKey(nameless, [id, { overlapSeconds: 0 }])).rejects.toThrow(
      /Failed query/,
    )
    expect(await opens(secret)).toBe(true)
    expect((await june.readKey(root, id)).revokedAt).toBeNull()
  })

  test('takes any name for a name', async () => {
    const name = `'); drop table keys; -- " \\ $1 %s ${'é'.repeat(20)} 👩‍🚀`.replaceAll('\u200d', '')
    const { id } = await june.createOrganisation(root, { name })
    expect(await june.readOrganisation(root, id)).toMatchObject({ name })
    expect((await june.listOrganisations(root, { limit: 1 })).data[0]).toMatchObject({ id, name })
  })
})

describe('who manages one organisation', () => {
  test('sees, changes and hears of nothing in another', async () => {
    const [mine, theirs] = [await customer('Mine'), await customer('Theirs')]
    const key = await june.createKey(theirs.owner, app)
    const gone = { code: 'not_found' }
    for (const actor of [mine.owner, mine.lead]) {
      await expect(june.readOrganisation(actor, theirs.organisation)).rejects.toMatchObject(gone)
      await expect(june.readProject(actor, theirs.project.id)).rejects.toMatchObject(gone)
      await expect(june.readKey(actor, key.id)).rejects.toMatchObject(gone)
      await expect(june.updateKey(actor, [key.id, { name: 'x' }])).rejects.toMatchObject(gone)
      await expect(june.rotateKey(actor, [key.id, { overlapSeconds: 0 }])).rejects.toMatchObject(
        gone,
      )
      await expect(june.revokeKey(actor, key.id)).rejects.toMatchObject(gone)
      await expect(
        june.createKey(actor, { ...app, project: theirs.project.id }),
      ).rejects.toMatchObject(gone)
      const listed = [
        ...(await june.listOrganisations(actor, page)).data,
        ...(await june.listProjects(actor, page)).data,
        ...(await june.listProjects(actor, { ...page, organisation: theirs.organisation })).data,
        ...(await june.listKeys(actor, { ...page, state: 'all', project: theirs.project.id })).data,
        ...(await june.listAudit(actor, { ...page, target: key.id })).data,
      ]
      expect(JSON.stringify(listed)).not.toMatch(
        new RegExp(`${theirs.organisation}|${theirs.project.id}`),
      )
    }
    expect(await opens(key.secret)).toBe(true)
    await expect(
      june.createProject(mine.owner, { name: 'x', organisation: theirs.organisation }),
    ).rejects.toMatchObject(gone)
  })

  test('makes projects and admins there, and nothing wider than itself', async () => {
    const { owner, lead, project, organisation } = await customer('Ladder')
    const forbidden = { code: 'forbidden' }
    expect(await june.createKey(owner, adminOf('organisation'))).toMatchObject({
      reach: 'organisation',
    })
    await expect(june.createKey(owner, adminOf('deployment'))).rejects.toMatchObject(forbidden)
    expect(await june.createKey(lead, adminOf('project'))).toMatchObject({ project: project.id })
    await expect(june.createKey(lead, adminOf('organisation'))).rejects.toMatchObject(forbidden)
    await expect(june.createOrganisation(owner, { name: 'x' })).rejects.toMatchObject(forbidden)
    await expect(
      june.updateOrganisation(owner, [organisation, { archived: true }]),
    ).rejects.toMatchObject(forbidden)
    expect(await june.updateOrganisation(owner, [organisation, { name: 'Y' }])).toMatchObject({
      name: 'Y',
    })
    await expect(june.createProject(lead, { name: 'x' })).rejects.toMatchObject(forbidden)
    expect(await june.createProject(owner, { name: 'x' })).toMatchObject({ organisation })
    // An admin of the deployment may have its key in any project: who manages that does not manage the key.
    const wide = await june.createKey(root, { ...adminOf('deployment'), project: project.id })
    await expect(june.rotateKey(owner, [wide.id, { overlapSeconds: 0 }])).rejects.toMatchObject(
      forbidden,
    )
    await expect(june.revokeKey(lead, wide.id)).rejects.toMatchObject(forbidden)
  })
})

describe('a project', () => {
  test('has limits of its own and by model, which its keys are told', async () => {
    const { project, owner } = await customer('Limits')
    const key = await june.createKey(owner, app)
    await june.updateProject(owner, [project.id, { tokensPerMinute: 1_000 }])
    await june.setModelLimits(owner, [project.id, 'a/b c', { concurrentStreams: 2 }])
    const set = await june.setModelLimits(owner, [project.id, 'a/b c', { requestsPerMinute: 3 }])
    const limits = { 'a/b c': { ...UNLIMITED, requestsPerMinute: 3 } }
    expect(set).toEqual({
      ...project,
      tokensPerMinute: 1_000,
      modelLimits: limits,
    } satisfies ProjectView)
    expect(await findKeyByHash(db, await hashOf(key.secret))).toMatchObject({
      projectLimits: { ...UNLIMITED, tokensPerMinute: 1_000 },
      modelLimits: limits,
    })
    await june.removeModelLimits(owner, [project.id, 'a/b c'])
    expect((await june.readProject(owner, project.id)).modelLimits).toEqual({})
    await expect(june.removeModelLimits(owner, [project.id, 'a/b c'])).rejects.toMatchObject({
      code: 'not_found',
      param: 'model',
    })
  })

  test('that is archived opens nothing until it is restored', async () => {
    const { project, owner } = await customer('Archive')
    const { secret } = await june.createKey(owner, app)
    await expect(june.updateProject(owner, [project.id, { archived: true }])).rejects.toMatchObject(
      {
        param: 'archived',
      },
    )
    const above: Actor = { ...owner, home: root.home }
    const first = await june.updateProject(above, [project.id, { archived: true }])
    expect(first.archivedAt).not.toBeNull()
    expect(await june.updateProject(above, [project.id, { archived: true }])).toEqual(first)
    expect(await opens(secret)).toBe(false)
    await expect(june.createKey(owner, app)).rejects.toMatchObject({ param: 'project' })
    await june.updateProject(above, [project.id, { archived: false }])
    expect(await opens(secret)).toBe(true)
    const { data } = await june.listAudit(owner, page)
    expect(data.map(({ action }) => action).slice(0, 3)).toEqual([
      'project.restore',
      'project.archive',
      'project.archive',
    ])
  })
})

describe('a key that is rotated', () => {
  test('opens with both secrets for the overlap, and never with three', async () => {
    const first = await june.createKey(root, app)
    const second = await june.rotateKey(root, [first.id, { overlapSeconds: 3_600 }])
    expect(second).toMatchObject({
      id: first.id,
      hint: second.secret.slice(-4),
      former: { hint: first.secret.slice(-4) },
    })
    const leftMs = Date.parse(String(second.former?.expiresAt)) - Date.now()
    expect(Math.abs(leftMs - 3_600_000)).toBeLessThan(10_000)
    expect(await findKeyByHash(db, await hashOf(first.secret))).toMatchObject({
      secretExpiresAt: new Date(String(second.former?.expiresAt)),
    })
    expect(await opens(second.secret)).toBe(true)
    const third = await june.rotateKey(root, [first.id, { overlapSeconds: 60 }])
    expect([
      await opens(first.secret),
      await opens(second.secret),
      await opens(third.secret),
    ]).toEqual([false, true, true])
    const last = await june.rotateKey(root, [first.id, { overlapSeconds: 0 }])
    expect([await opens(third.secret), await opens(last.secret)]).toEqual([false, true])
    expect(last.former).toBeNull()
  })

  test('at once by many has two secrets at most, of which one is new', async () => {
    const { id } = await june.createKey(root, app)
    const made = await Promise.all(
      Array.from({ length: 6 }, () => june.rotateKey(root, [id, { overlapSeconds: 60 }])),
    )
    const kept = await db.select().from(keySecrets).where(eq(keySecrets.key, id))
    expect(kept).toHaveLength(2)
    expect(kept.filter(({ current }) => current)).toHaveLength(1)
    const open = await Promise.all(made.map(({ secret }) => opens(secret)))
    expect(open.filter(Boolean)).toHaveLength(2)
  })

  test('and revoked stays so', async () => {
    const { id } = await june.createKey(root, app)
    await june.revokeKey(root, id)
    await expect(june.rotateKey(root, [id, { overlapSeconds: 0 }])).rejects.toThrow(/revoked/)
  })
})

describe('a list', () => {
  test('comes in pages, each key once, the newest first', async () => {
    const { owner } = await customer('Pages')
    const made: string[] = []
    for (let i = 0; i < 7; i++) made.push((await june.createKey(owner, app)).id)
    const seen: string[] = []
    for (const [size, hasMore] of [
      [3, true],
      [3, true],
      [1, false],
    ] as const) {
      const part = await june.listKeys(owner, { limit: 3, state: 'all', after: seen.at(-1) })
      expect([part.data.length, part.hasMore]).toEqual([size, hasMore])
      seen.push(...part.data.map(({ id }) => id))
    }
    expect(seen).toEqual(made.toSorted().toReversed())
  })

  test('of live keys leaves out what was revoked or has expired', async () => {
    const { owner } = await customer('Live')
    const live = await june.createKey(owner, { ...app, expiresAt: '2100-01-01T00:00:00Z' })
    await june.createKey(owner, { ...app, expiresAt: '2020-01-01T00:00:00Z' })
    await june.revokeKey(owner, (await june.createKey(owner, app)).id)
    const { data } = await june.listKeys(owner, { limit: 10, state: 'live' })
    expect(data.map(({ id }) => id)).toEqual([live.id])
  })
})

describe('an issuer that many customers share', () => {
  test('is found for an audience, however many others came before', async () => {
    const { id: key } = await june.createKey(root, app)
    const issuer = 'https://accounts.example'
    const wanted = { key, issuer, algorithm: 'RS256' as const, userRequestsPerMinute: null }
    const jwksUrl = 'https://accounts.example/jwks'
    for (let i = 0; i < 20; i++)
      await june.createIssuer(root, { ...wanted, audience: `app-${i}`, jwksUrl })
    await june.createIssuer(root, { ...wanted, audience: 'mine', jwksUrl })
    expect(await findIssuers(db, issuer, 'mine')).toMatchObject([{ token: { audience: 'mine' } }])
  })
})

describe('ten thousand keys', () => {
  test('are looked up and paged by an index', async () => {
    await db.$client`
      insert into keys (id, project_id, name, scope)
      select 'key_' || i, ${DEFAULT_PROJECT}, 'many', 'developer' from generate_series(1, 10000) i`
    await db.$client`
      insert into key_secrets (hash, key_id, current, hint)
      select encode(sha256(convert_to('key_' || i, 'UTF8')), 'hex'), 'key_' || i, true, 'many' from generate_series(1, 10000) i`
    await db.$client`analyze keys`
    await db.$client`analyze key_secrets`
    const hash = await hashOf('key_5000')
    expect(await findKeyByHash(db, hash)).toMatchObject({ id: 'key_5000' })
    const plan = JSON.stringify(await db.execute(sql`explain ${keysOpenedBy(db, hash)}`))
    expect(plan).toMatch(/Index Scan using key_secrets_pkey/)
    expect(plan).not.toMatch(/Seq Scan on key/)
    const { data, hasMore } = await june.listKeys(root, {
      limit: 100,
      state: 'all',
      after: 'key_5',
    })
    expect([data.length, hasMore, data[0]?.id]).toEqual([100, true, 'key_4999'])
  })
})
