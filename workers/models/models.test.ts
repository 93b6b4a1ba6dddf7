import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test as base } from 'vitest'
import { findModels, type Found } from './find-models.ts'
import { MANIFEST_FILE } from './manifest.ts'
import { seal } from './seal.ts'
import { verifyModel } from './verify-model.ts'

const JUNE_CHAT = fileURLToPath(new URL('../../models/june-chat/', import.meta.url))
const GGUF = 'june-chat-2M-Q8_0.gguf'

/** A folder of models with one in it, sealed: tests break what they like. */
const test = base.extend('dir', async ({}, { onCleanup }) => {
  const dir = await mkdtemp(join(tmpdir(), 'june-models-'))
  onCleanup(() => rm(dir, { recursive: true }))
  await place(dir, 'june-chat')
  return dir
})

async function place(dir: string, id: string): Promise<string> {
  const home = join(dir, id)
  await mkdir(home, { recursive: true })
  await copyFile(join(JUNE_CHAT, GGUF), join(home, GGUF))
  const manifest = await readFile(join(JUNE_CHAT, MANIFEST_FILE), 'utf8')
  await writeFile(join(home, MANIFEST_FILE), put({ id })(manifest))
  await seal(home)
  return home
}

/** A manifest with some fields changed. */
const put = (fields: Record<string, unknown>) => (manifest: string) =>
  JSON.stringify({ ...(JSON.parse(manifest) as object), ...fields })

async function verifyAll({ models }: Found): Promise<void> {
  for (const model of models) await verifyModel(model)
}

describe('a folder of models', () => {
  test('holds what its manifests say', async ({ dir, expect }) => {
    const found = await findModels([dir])
    expect(found.broken).toEqual([])
    expect(found.models).toMatchObject([
      { manifest: { id: 'june-chat', kind: 'chat', slots: 4 }, file: join(dir, 'june-chat', GGUF) },
    ])
    await verifyAll(found)
  })

  test('comes before those after it, and one that is not there holds nothing', async ({
    dir,
    expect,
  }) => {
    await place(join(dir, 'second'), 'june-chat')
    await place(join(dir, 'second'), 'other')
    const { models } = await findModels([join(dir, 'nowhere'), dir, join(dir, 'second')])
    expect(models.map(({ file }) => file)).toEqual([
      join(dir, 'june-chat', GGUF),
      join(dir, 'second', 'other', GGUF),
    ])
  })

  test.for([
    { title: 'that is no JSON', change: () => '{ "id": ', why: 'it is not JSON' },
    { title: 'that says nothing', change: () => '{}', why: 'id ' },
    { title: 'with a file elsewhere', change: put({ file: '../secret.gguf' }), why: 'file ' },
    { title: 'without slots', change: put({ slots: 0 }), why: 'slots ' },
    { title: 'of another model', change: put({ id: 'not-june' }), why: 'Rename the folder' },
  ])('serves the others beside a manifest $title', async ({ change, why }, { dir, expect }) => {
    const path = join(await place(dir, 'other'), MANIFEST_FILE)
    await writeFile(path, change(await readFile(path, 'utf8')))
    const { models, broken } = await findModels([dir])
    expect(models.map(({ manifest }) => manifest.id)).toEqual(['june-chat'])
    expect(broken).toEqual([{ id: 'other', why: expect.stringContaining('"other"') }])
    expect(broken[0]?.why).toContain(why)
  })
})

describe('a file of a model', () => {
  test('that was cut off is refused, with both sizes', async ({ dir, expect }) => {
    await truncate(join(dir, 'june-chat', GGUF), 1_000_000)
    const { bytes } = JSON.parse(await readFile(join(dir, 'june-chat', MANIFEST_FILE), 'utf8'))
    await expect(verifyAll(await findModels([dir]))).rejects.toThrow(
      `The file of the model "june-chat" should have ${bytes} bytes and has 1000000. Copy it again`,
    )
  })

  test('with one bit turned is refused, with both sums', async ({ dir, expect }) => {
    const file = join(dir, 'june-chat', GGUF)
    const bytes = await readFile(file)
    bytes.writeUInt8(bytes.readUInt8(2_000_000) ^ 1, 2_000_000)
    await writeFile(file, bytes)
    await expect(verifyAll(await findModels([dir]))).rejects.toThrow(
      /"june-chat" should have the SHA-256 [0-9a-f]{64} and has [0-9a-f]{64}\. Copy it again/,
    )
    await seal(join(dir, 'june-chat'))
    await verifyAll(await findModels([dir]))
  })

  test('that is missing is refused by name', async ({ dir, expect }) => {
    await rm(join(dir, 'june-chat', GGUF))
    await expect(verifyAll(await findModels([dir]))).rejects.toThrow(
      `The file "${GGUF}" of the model "june-chat" is missing.`,
    )
  })

  test('is read again only when it has been touched', async ({ dir, expect }) => {
    const { models } = await findModels([dir])
    const verified = new Map<string, string>()
    const verify = () => Promise.all(models.map((model) => verifyModel(model, verified)))
    await verify()
    const file = join(dir, 'june-chat', GGUF)
    const before = verified.get(file)
    await verify()
    expect(verified.get(file)).toBe(before)
    await writeFile(file, (await readFile(file)).fill(0, 2_000_000))
    await expect(verify()).rejects.toThrow('SHA-256')
  })
})

base('the model that comes with June is what its manifest says', async ({ expect }) => {
  const found = await findModels([join(JUNE_CHAT, '..')])
  expect(found.broken).toEqual([])
  await verifyAll(found)
})
