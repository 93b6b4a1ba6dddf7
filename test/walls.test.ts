import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, test as base } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** A copy of the rules, and of nothing else, in which a probe can break them. */
const test = base.extend('house', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'june-walls-'))
  onCleanup(() => rm(dir, { recursive: true }))
  await cp(join(root, '.oxlintrc.json'), join(dir, '.oxlintrc.json'))
  await cp(join(root, 'tsconfig.json'), join(dir, 'tsconfig.json'))
  await cp(join(root, 'package.json'), join(dir, 'package.json'))
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  return dir
})

async function probe(house: string, file: string, code: string): Promise<string> {
  const path = join(house, file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, code)
  return path
}

/** What a tool printed, whether or not it was content. */
async function printed(tool: string, args: readonly string[], cwd: string): Promise<string> {
  const path = join(root, 'node_modules', '.bin', tool)
  const { stdout, stderr } = await run(process.execPath, [path, ...args], { cwd }).catch(
    (thrown: { stdout: string; stderr: string }) => thrown,
  )
  return stdout + stderr
}

const forbidden = [
  ['proto/probe.ts', 'node:fs'],
  ['proto/probe.ts', '../edge/ports.ts'],
  ['proto/openai/probe.ts', '../../workers/env.ts'],
  ['edge/probe.ts', 'node:fs'],
  ['edge/probe.ts', 'cloudflare:workers'],
  ['edge/probe.ts', 'postgres'],
  ['edge/probe.ts', './node/env.ts'],
  ['edge/jobs/probe.ts', '../workerd/main.ts'],
  ['edge/jobs/probe.ts', '../../workers/env.ts'],
  ['edge/jobs/probe.ts', '../../db/client.ts'],
  ['edge/node/probe.ts', '../workerd/main.ts'],
  ['edge/node/probe.ts', '../../workers/env.ts'],
  ['edge/workerd/probe.ts', '../node/env.ts'],
  ['edge/workerd/probe.ts', 'node:fs'],
  ['workers/probe.ts', '../edge/ports.ts'],
  ['workers/probe.ts', '../db/client.ts'],
  ['workers/engines/probe.ts', '@nats-io/nats-core'],
  ['workers/engines/probe.ts', '@nats-io/jetstream'],
  ['workers/thread/probe.ts', '@nats-io/transport-node'],
  ['client/probe.ts', '../edge/ports.ts'],
  ['client/probe.ts', 'postgres'],
  ['cli/probe.ts', '../db/client.ts'],
  ['cli/commands/probe.ts', '../../edge/ports.ts'],
  ['chaos/probe.ts', '../edge/ports.ts'],
  ['chaos/drive/probe.ts', '../../workers/env.ts'],
  ['chaos/check/probe.ts', 'node:fs'],
  ['chaos/check/probe.ts', '../../infra/testing/start-stack.ts'],
  ['chaos/plan/probe.ts', '@nats-io/nats-core'],
] as const

const allowed = [
  ['proto/probe.ts', './ids.ts'],
  ['edge/probe.ts', '../proto/ids.ts'],
  ['edge/node/probe.ts', '../app.ts'],
  ['edge/node/probe.ts', 'node:http'],
  ['workers/probe.ts', '@nats-io/nats-core'],
  ['client/probe.ts', '../proto/ids.ts'],
  ['cli/probe.ts', '../client/june-client.ts'],
  ['chaos/watch/probe.ts', '../../infra/testing/start-stack.ts'],
  ['chaos/check/probe.ts', '../../proto/echo.ts'],
] as const

const importing = (what: string): string => `import * as probe from '${what}'\n\nexport { probe }\n`

describe('a wall', () => {
  test.for(forbidden)('keeps %s from importing %s', async ([file, what], { house, expect }) => {
    const path = await probe(house, file, importing(what))
    expect(await printed('oxlint', [path], house)).toContain('no-restricted-imports')
  })

  test.for(allowed)('lets %s import %s', async ([file, what], { house, expect }) => {
    const path = await probe(house, file, importing(what))
    expect(await printed('oxlint', [path], house)).not.toContain('no-restricted-imports')
  })

  test('keeps the environment to the mains', async ({ house, expect }) => {
    const code = "export const home = process.env['HOME']\n"
    const inside = await probe(house, 'workers/intake/probe.ts', code)
    const main = await probe(house, 'workers/main.ts', code)
    expect(await printed('oxlint', [inside], house)).toContain('no-process-env')
    expect(await printed('oxlint', [main], house)).not.toContain('no-process-env')
  })

  test.for([
    ['proto', 'export const here = process.cwd()'],
    ['edge', 'export const here = Buffer.from([])'],
    ['edge', 'export const here = new WebSocketPair()'],
    ['client', 'export const here = process.cwd()'],
  ])(
    'keeps %s from a runtime it must not know: %s',
    async ([folder = '', code = ''], { house, expect }) => {
      await compilable(house, folder)
      await probe(house, `${folder}/probe.ts`, `${code}\n`)
      expect(await printed('tsc', ['-b', folder], house)).toMatch(/error TS2\d+: Cannot find name/)
      await probe(house, `${folder}/probe.ts`, 'export const here = crypto.randomUUID()\n')
      expect(await printed('tsc', ['-b', folder], house)).toBe('')
    },
  )
})

/** The folder's own compiler settings, without the projects it refers to. */
async function compilable(house: string, folder: string): Promise<void> {
  const settings: unknown = JSON.parse(await readFile(join(root, folder, 'tsconfig.json'), 'utf8'))
  const alone = JSON.stringify({ ...(settings as object), references: [] })
  await probe(house, `${folder}/tsconfig.json`, alone)
}
