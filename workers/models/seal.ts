import { readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { fileHash } from './file-hash.ts'
import { Manifest, MANIFEST_FILE } from './manifest.ts'

/** Writes what a model's file is now into its manifest. For whoever made the file: it makes any file the right one. */
export async function seal(dir: string): Promise<Manifest> {
  const path = join(dir, MANIFEST_FILE)
  const old = z.looseObject({ file: z.string() }).parse(JSON.parse(await readFile(path, 'utf8')))
  const file = join(dir, old.file)
  const sealed = Manifest.parse({
    ...old,
    bytes: (await stat(file)).size,
    sha256: await fileHash(file),
  })
  await writeFile(path, `${JSON.stringify(sealed, null, 2)}\n`)
  return sealed
}

/** node workers/models/seal.ts <folder of a model>... */
if (import.meta.main)
  for (const dir of process.argv.slice(2)) {
    const { id, bytes, sha256 } = await seal(resolve(dir))
    process.stdout.write(`${id}: ${bytes} bytes, sha256 ${sha256}\n`)
  }
