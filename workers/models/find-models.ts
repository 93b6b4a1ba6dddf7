import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Manifest, MANIFEST_FILE } from './manifest.ts'

/** A model that is there to be loaded, once its file has been verified. */
export interface StoredModel {
  manifest: Manifest
  /** Path of its file. */
  file: string
}

export interface Found {
  models: StoredModel[]
  /** Folders that hold no usable model, and why, with the remedy. */
  broken: { id: string; why: string }[]
}

/** Every `<dir>/<id>/manifest.json`. The first folder that holds an id wins, even where it is broken. */
export async function findModels(dirs: readonly string[]): Promise<Found> {
  const found: Found = { models: [], broken: [] }
  const seen = new Set<string>()
  for (const dir of dirs)
    for (const id of await foldersIn(dir)) {
      const text = await textOf(join(dir, id, MANIFEST_FILE))
      if (text === undefined || seen.has(id)) continue
      seen.add(id)
      try {
        const manifest = read(id, text)
        found.models.push({ manifest, file: join(dir, id, manifest.file) })
      } catch (thrown) {
        found.broken.push({ id, why: thrown instanceof Error ? thrown.message : String(thrown) })
      }
    }
  return found
}

function read(id: string, text: string): Manifest {
  const parsed = Json.pipe(Manifest).safeParse(text)
  if (!parsed.success)
    throw new Error(
      `The manifest of the model "${id}" is broken: ${problems(parsed.error)}. Correct its ${MANIFEST_FILE}.`,
    )
  if (parsed.data.id !== id)
    throw new Error(
      `The manifest in the folder "${id}" is of the model "${parsed.data.id}". Rename the folder, or correct the id.`,
    )
  return parsed.data
}

const Json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'it is not JSON' })
    return z.NEVER
  }
})

const problems = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => [path.join('.'), message].join(' ').trim()).join('; ')

/** A folder of models that is not there holds none. */
async function foldersIn(dir: string): Promise<string[]> {
  const entries = await unlessMissing(readdir(dir, { withFileTypes: true }))
  return (entries ?? [])
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .toSorted()
}

const textOf = (path: string): Promise<string | undefined> => unlessMissing(readFile(path, 'utf8'))

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw thrown
  }
}
