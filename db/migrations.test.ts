import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cacheDir } from '../infra/cache-dir.ts'
import { openCluster } from '../infra/postgres/open-cluster.ts'
import { DEFAULT_ORGANISATION, DEFAULT_PROJECT } from '../proto/tenancy.ts'

const FOLDER = new URL('migrations/', import.meta.url)

test('keys of the first version belong to the default project and open as they did', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'june-migrations-'))
  // oxlint-disable-next-line node/no-process-env -- a test has no main that could hand it over
  const db = await openCluster(join(dir, 'postgres'), cacheDir(process.env))
  onTestFinished(async () => {
    await db.close()
    await rm(dir, { recursive: true })
  })
  const [, first = '', ...later] = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql'))
  const apply = async (file: string) => db.exec(await readFile(new URL(file, FOLDER), 'utf8'))
  await apply(first)
  const hashes = ['a', 'b'].map((digit) => digit.repeat(64))
  await db.query(
    `insert into keys (id, name, hash, hint, scope, requests_per_minute)
     values ('key_1', 'app', $1, 'abcd', 'developer', 60), ('key_2', 'root', $2, 'efgh', 'admin', 6)`,
    hashes,
  )
  for (const file of later) await apply(file)
  const { rows } = await db.query(
    `select k.id, s.hash, s.hint, s.current, k.reach, k.requests_per_minute as rpm, p.id as project, p.organisation_id
     from key_secrets s join keys k on k.id = s.key_id join projects p on p.id = k.project_id order by k.id`,
  )
  const there = { current: true, project: DEFAULT_PROJECT, organisation_id: DEFAULT_ORGANISATION }
  expect(rows).toEqual([
    { ...there, id: 'key_1', hash: hashes[0], hint: 'abcd', reach: null, rpm: 60 },
    { ...there, id: 'key_2', hash: hashes[1], hint: 'efgh', reach: 'deployment', rpm: 6 },
  ])
})
