import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test as base } from 'vitest'
import { startStack } from '../../infra/testing/start-stack.ts'
import { Observer, until } from './observer.ts'
import { clientOf, kill, oracle, pidOf, stream } from './stack.ts'

const GOOD = fileURLToPath(new URL('../../models/june-chat/', import.meta.url))
const GGUF = 'june-chat-2M-Q8_0.gguf'
const ASK = { text: 'What is June?', seed: 3 }

/** The built-in model under another name, with a file of its own. The path of that file. */
async function copyOf(models: string, id: string): Promise<string> {
  await mkdir(join(models, id))
  const manifest = await readFile(join(GOOD, 'manifest.json'), 'utf8')
  await writeFile(
    join(models, id, 'manifest.json'),
    JSON.stringify({ ...JSON.parse(manifest), id }),
  )
  await copyFile(join(GOOD, GGUF), join(models, id, GGUF))
  return join(models, id, GGUF)
}

/** One bit, in the middle of the weights. Of the same size, and it would load. */
async function flip(file: string): Promise<void> {
  await using handle = await open(file, 'r+')
  const at = Math.floor((await handle.stat()).size / 2)
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
  await handle.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at)
}

const test = base
  .extend('models', { scope: 'file' }, async ({}, { onCleanup }) => {
    const dir = await mkdtemp(join(tmpdir(), 'june-models-'))
    onCleanup(() => rm(dir, { recursive: true }))
    await truncate(await copyOf(dir, 'truncated'), 1_000_000)
    await flip(await copyOf(dir, 'flipped'))
    await copyOf(dir, 'swapped')
    return dir
  })
  .extend('stack', { scope: 'file' }, async ({ models }, { onCleanup }) => {
    const env = { JUNE_MODELS_DIR: models, JUNE_MODELS: 'truncated,flipped,swapped' }
    const stack = await startStack({ workers: 1, env })
    onCleanup(() => stack[Symbol.asyncDispose]())
    return stack
  })
  .extend('observer', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
    const observer = await Observer.at(stack.run.nats.url)
    onCleanup(() => observer[Symbol.asyncDispose]())
    return observer
  })
  .extend('openai', async ({ stack }) => clientOf(stack))

const offered = (observer: Observer): string[] =>
  observer.beatOf('w1')?.offerings.map(({ queue }) => queue) ?? []

test.beforeAll(({ observer }) => observer.up(['w1']))

test('a model whose file is cut off or has one bit flipped is not served, and the others are', async ({
  stack,
  observer,
  openai,
  expect,
}) => {
  expect(offered(observer)).toEqual(['echo', 'echo', 'swapped'])
  expect(stack.said()).toMatch(/truncated: left out\..* has 1000000\./)
  expect(stack.said()).toMatch(/flipped: left out\..* SHA-256/)
  for (const model of ['truncated', 'flipped'])
    await expect(stream(openai, { model })).rejects.toMatchObject({ status: 404 })
  expect(await stream(openai, { model: 'swapped', ...ASK })).not.toBe('')
  expect(await stream(openai, { model: 'echo-20-0-0', seed: 4 })).toBe(oracle(4, 20))
})

test('a file that is swapped after it was verified serves nothing when its worker loads it again', async ({
  models,
  stack,
  observer,
  openai,
  expect,
}) => {
  const before = await stream(openai, { model: 'swapped', ...ASK })
  // Another file takes its place. The one that is loaded goes on, as it was verified.
  await rename(join(models, 'flipped', GGUF), join(models, 'swapped', GGUF))
  expect(await stream(openai, { model: 'swapped', ...ASK })).toBe(before)

  const nonce = observer.beatOf('w1')?.nonce
  await kill(await pidOf(stack, 'w1'))
  await until('another life of it', () => observer.beatOf('w1')?.nonce !== nonce)
  expect(offered(observer)).toEqual(['echo', 'echo'])
  expect(stack.said()).toMatch(/swapped: left out\..* SHA-256/)
  expect(await stream(openai, { model: 'echo-20-0-0', seed: 5 })).toBe(oracle(5, 20))
})
