import { describe, expect, test } from 'vitest'
import { newOrganisationId, newProjectId, newKeyId } from '../../proto/ids.ts'
import { UNLIMITED } from '../../proto/limits.ts'
import type { Key } from '../ports.ts'
import { filterOf, OwnReportQuery, pageOf } from './ask.ts'

const key: Key = {
  id: newKeyId(),
  organisation: newOrganisationId(),
  project: newProjectId(),
  scope: 'admin',
  reach: 'deployment',
  routes: null,
  models: null,
  cidrs: null,
  expiresAtMs: null,
  limits: { key: UNLIMITED, project: UNLIMITED, models: {} },
}
const asked = (query: object) => ({ start_time: 0, ...query })

const page = (query: object) => pageOf(OwnReportQuery.parse(query), {}, 1_000_000_000_000)

describe('who asks for usage', () => {
  test('by a key of a project is told of that project, whatever it names', () => {
    const query = asked({ project_ids: 'proj_other', organisation_ids: 'org_other' })
    for (const reach of ['deployment', 'organisation', 'project', null] as const)
      expect(filterOf({ ...key, reach }, query, { all: false })).toEqual({
        projects: [key.project],
      })
  })

  test('as an admin of a deployment is told of what is named', () => {
    const query = asked({ 'project_ids[]': ['a', 'b'], project_ids: 'c,d', batch: 'true' })
    expect(filterOf(key, query as never, { all: true })).toEqual({
      projects: ['c', 'd', 'a', 'b'],
      batch: true,
    })
  })

  test('as an admin of less is told of no more than that', () => {
    const ofOrganisation: Key = { ...key, reach: 'organisation' }
    const ofProject: Key = { ...key, reach: 'project' }
    expect(filterOf(ofOrganisation, asked({}), { all: true })).toEqual({
      organisations: [key.organisation],
    })
    const other = asked({ organisation_ids: 'org_other', project_ids: 'proj_other' })
    expect(filterOf(ofOrganisation, other as never, { all: true })).toEqual({
      organisations: [],
      projects: ['proj_other'],
    })
    expect(filterOf(ofProject, other as never, { all: true })).toMatchObject({ projects: [] })
    expect(filterOf({ ...key, reach: null }, asked({}), { all: true })).toEqual({
      projects: [key.project],
    })
  })
})

describe('the buckets of a page', () => {
  test('are whole, and reach over both edges of what was asked', () => {
    expect(page({ start_time: 90_000, end_time: 172_801 })).toMatchObject({
      startS: 86_400,
      endS: 3 * 86_400,
      nextS: undefined,
    })
  })

  test('end where the page does, and the next begins there', () => {
    const query = { start_time: 0, end_time: 7_200, bucket_width: '1m', limit: 7 }
    expect(page(query)).toMatchObject({ startS: 0, endS: 420, nextS: 420 })
    expect(page({ ...query, page: 'page_420' })).toMatchObject({ startS: 420, endS: 840 })
    expect(page({ ...query, page: 'page_9000' })).toMatchObject({ startS: 9_000, endS: 9_000 })
  })
})
