import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../../proto/tenancy.ts'
import { describe, expect, test } from 'vitest'
import { CreatedKey, KeyList } from '../../proto/admin.ts'
import { AuditPage } from '../../proto/audit.ts'
import { OrganisationView, ProjectView } from '../../proto/organisations.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

/** Organisations, projects and their keys, as those who manage them meet them. */
export function tenancy(stack: () => Stack): void {
  const send = (method: string, path: string, json: object, key = stack().admin) =>
    stack().fetch(`/admin${path}`, { method, json, key })
  const get = (path: string, key = stack().admin) => stack().fetch(`/admin${path}`, { key })
  const opens = async (key: string) => (await stack().fetch('/v1/models', { key })).status

  const customer = async () => {
    const made = await send('POST', '/organisations', { name: 'Customer' })
    const { id: organisation } = OrganisationView.parse(await made.json())
    const project = ProjectView.parse(
      await (await send('POST', '/projects', { name: 'App', organisation })).json(),
    )
    return { organisation, project: project.id }
  }

  describe('an organisation', () => {
    test('that is archived opens nothing within a second, and everything when it is restored', async () => {
      const { organisation, project } = await customer()
      const { secret } = await stack().newKey({ project })
      expect(await opens(secret)).toBe(200)
      const path = `/organisations/${organisation}`
      expect((await send('PATCH', path, { archived: true })).status).toBe(200)
      expect(await until(async () => (await opens(secret)) === 401)).toBeLessThan(1_000)
      await send('PATCH', path, { archived: false })
      expect(await until(async () => (await opens(secret)) === 200)).toBeLessThan(1_000)
    })

    test('is not archived by a key of its own, which would close behind itself', async () => {
      for (const path of [
        `/projects/${DEFAULT_PROJECT}`,
        `/organisations/${DEFAULT_ORGANISATION}`,
      ]) {
        const refused = await send('PATCH', path, { archived: true })
        expect([refused.status, await refused.json()]).toMatchObject([
          400,
          { error: { param: 'archived' } },
        ])
      }
      expect(await opens(stack().admin)).toBe(200)
    })

    test('has admins who manage it and see no other', async () => {
      const { organisation, project } = await customer()
      const owner = await stack().newKey({ scope: 'admin', reach: 'organisation', project })
      const { secret } = owner
      const made = await send('POST', '/keys', { name: 'mine' }, secret)
      expect(made.status).toBe(201)
      const listed = KeyList.parse(await (await get('/keys', secret)).json())
      expect(listed.data).toHaveLength(2)
      expect(listed.data.every((key) => key.project === project)).toBe(true)
      const wider = { name: 'x', scope: 'admin', reach: 'deployment' }
      expect((await send('POST', '/keys', wider, secret)).status).toBe(403)
      expect((await get('/budgets', secret)).status).toBe(403)
      expect((await get('/prices', secret)).status).toBe(403)
      const other = await stack().newKey()
      expect((await get(`/keys/${other.id}`, secret)).status).toBe(404)
      const audit = AuditPage.parse(await (await get('/audit', secret)).json())
      expect(audit.data.map(({ action, actor }) => [action, actor])).toContainEqual([
        'key.create',
        owner.id,
      ])
      expect(audit.data.every((entry) => entry.organisation === organisation)).toBe(true)
    })
  })

  describe('a rotated key', () => {
    test('opens with both secrets for as long as they overlap', async () => {
      const first = await stack().newKey()
      expect(await opens(first.secret)).toBe(200)
      const rotated = await send('POST', `/keys/${first.id}/rotate`, { overlapSeconds: 2 })
      expect(rotated.status).toBe(200)
      const second = CreatedKey.parse(await rotated.json())
      expect([await opens(first.secret), await opens(second.secret)]).toEqual([200, 200])
      await until(async () => (await opens(first.secret)) === 401)
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(String(second.former?.expiresAt)))
      expect(await opens(second.secret)).toBe(200)
    })

    test('loses its former secret within a second where they do not', async () => {
      const first = await stack().newKey()
      expect(await opens(first.secret)).toBe(200)
      await send('POST', `/keys/${first.id}/rotate`, { overlapSeconds: 0 })
      expect(await until(async () => (await opens(first.secret)) === 401)).toBeLessThan(1_000)
    })
  })

  describe('an act of an admin', () => {
    test('is in the audit log with who, what, when, from where and in which request', async () => {
      const { id } = await stack().newKey({ name: 'audited' })
      const headers = { 'x-forwarded-for': '203.0.113.7' }
      const method = 'DELETE'
      const revoked = await stack().fetch(`/admin/keys/${id}`, {
        key: stack().admin,
        method,
        headers,
      })
      const { data } = AuditPage.parse(await (await get(`/audit?target=${id}`)).json())
      expect(data.map(({ action }) => action)).toEqual(['key.revoke', 'key.create'])
      expect(data[0]).toMatchObject({
        requestId: revoked.headers.get('x-request-id'),
        address: '203.0.113.7',
        before: { name: 'audited', revokedAt: null },
        after: { name: 'audited', revokedAt: expect.any(String) },
      })
    })

    test.for([
      ['POST', '/organisations', { name: '' }, 'name'],
      ['POST', '/projects', { name: 'x', organisation: 'org_1' }, 'organisation'],
      ['PATCH', '/keys/key_1', { name: 'x' }, 'id'],
      ['POST', '/keys/key_01980000-0000-7000-8000-000000000000/rotate', {}, 'overlapSeconds'],
      ['POST', '/keys', { name: 'x', project: "'; drop table keys --" }, 'project'],
    ] as const)('is refused in words: %s %s %j', async ([method, path, json, param]) => {
      const refused = await send(method, path, json)
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param } }])
    })

    test.for([
      '/keys?limit=0',
      '/keys?after=%00',
      '/audit?target=%00',
      '/keys?state=dead',
      '/audit?since=x',
    ])('is not looked for by %s', async (path) => {
      expect((await get(path)).status).toBe(400)
    })
  })
}
