import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { natsCredentials } from './credentials.ts'
import { openDataDir } from './data-dir.ts'
import { lock } from './lock.ts'
import { queuesIn } from './queues-in.ts'
import { removeRunFile, RunFile, runFileIn, writeRunFile } from './run-file.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'june-data-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  await openDataDir(dataDir)
})

describe('the credentials of NATS', () => {
  const names = { gateways: ['g1'], workers: ['w1'] }

  test('are made once, for their owner alone, and new names get new ones', async () => {
    const first = await natsCredentials(dataDir, names)
    const file = join(dataDir, 'nats', 'credentials.json')
    await chmod(file, 0o644)
    const second = await natsCredentials(dataDir, { ...names, workers: ['w1', 'w2'] })
    expect(second.workers['w1']).toBe(first.workers['w1'])
    expect(second.workers['w2']).toMatch(/^[0-9a-f]{32}$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test.for(['', '{"operator":', '{"operator":"x"}'])(
    'damaged as %j are told, not replaced',
    async (text) => {
      const file = join(dataDir, 'nats', 'credentials.json')
      await writeFile(file, text)
      await expect(natsCredentials(dataDir, names)).rejects.toMatchObject({
        message: `${file} is damaged.`,
        remedy: 'Delete it: new credentials are made at the next start.',
      })
      expect(await readFile(file, 'utf8')).toBe(text)
    },
  )
})

describe('the data folder', () => {
  test('that is a file is told with what to do', async () => {
    const file = join(dataDir, 'a-file')
    await writeFile(file, '')
    await expect(openDataDir(file)).rejects.toMatchObject({
      message: expect.stringMatching(/cannot be written \((ENOTDIR|EEXIST)\)/),
      remedy: expect.stringContaining('JUNE_DATA_DIR'),
    })
  })

  test('that cannot be made is told, and not tried for ever', async () => {
    await expect(openDataDir('/proc/june/data')).rejects.toThrow('cannot be written (ENOENT)')
  })

  test('is made with the folders above it', async () => {
    const deep = join(dataDir, 'a', 'b', 'c')
    await openDataDir(deep)
    expect((await stat(deep)).mode & 0o777).toBe(0o700)
  })

  test('has one launcher at a time, and is free once that has gone', async () => {
    const held = await lock(dataDir)
    await expect(lock(dataDir)).rejects.toThrow(`already runs from ${dataDir} (pid ${process.pid})`)
    held[Symbol.dispose]()
    await expect.poll(() => lock(dataDir).then((again) => again[Symbol.dispose]())).toBeUndefined()
  })
})

describe('june.json', () => {
  const run: RunFile = {
    pid: 1,
    gateway: 'http://127.0.0.1:8000',
    key: 'k',
    adminKey: 'a',
    nats: { url: 'nats://operator:p@127.0.0.1:4222', wsUrl: null, pid: null },
    database: { url: 'postgres://postgres@127.0.0.1:5432/postgres', pid: 2 },
    gateways: [{ url: 'http://127.0.0.1:8000', pid: 3 }],
    workers: [{ id: 'w1', pid: 4 }],
  }

  test('is whole whenever it is read, and only its owner reads it', async () => {
    const writing = Array.from(
      { length: 20 },
      (_, i) => () => writeRunFile(dataDir, { ...run, pid: i + 1 }),
    )
    await writeRunFile(dataDir, run)
    for (const write of writing) {
      const [, text] = await Promise.all([write(), readFile(runFileIn(dataDir), 'utf8')])
      expect(RunFile.parse(JSON.parse(text))).toMatchObject({ key: 'k' })
    }
    expect((await stat(runFileIn(dataDir))).mode & 0o777).toBe(0o600)
    await removeRunFile(dataDir)
    await removeRunFile(dataDir)
  })

  test('refuses what is not in its shape', async () => {
    const wrong = { ...run, secret: 'x' } as RunFile
    await expect(writeRunFile(dataDir, wrong)).rejects.toThrow('secret')
  })
})

test('workers may pull the models that are in their folders, and those of code alone', async () => {
  await mkdir(join(dataDir, 'models', 'qwen3-0.6b'), { recursive: true })
  await writeFile(join(dataDir, 'models', 'tiny.gguf'), '')
  await mkdir(join(dataDir, 'models', 'vectors'))
  await writeFile(join(dataDir, 'models', 'vectors', 'manifest.json'), '{"kind":"embed"}')
  await writeFile(join(dataDir, 'models', 'README.md'), '')
  const queues = await queuesIn([join(dataDir, 'nowhere'), join(dataDir, 'models')])
  expect(queues.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'chat echo',
    'chat qwen3-0.6b',
    'chat tiny',
    'embed vectors',
    'duplex echo',
    'embed june-embed',
    'rerank june-rerank',
  ])
})
