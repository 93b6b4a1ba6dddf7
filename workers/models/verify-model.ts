import { stat } from 'node:fs/promises'
import { fileHash } from './file-hash.ts'
import type { StoredModel } from './find-models.ts'

/**
 * Throws where a model's file is not the one its manifest describes: a half-copied file loads, and then answers nonsense.
 * `verified` remembers files that have not been touched since, so that a reload after a crash need not read them again.
 */
export async function verifyModel(
  { manifest, file }: StoredModel,
  verified = new Map<string, string>(),
): Promise<void> {
  const { id, bytes, sha256 } = manifest
  const info = await stat(file).catch(() => undefined)
  if (!info?.isFile())
    throw new Error(
      `The file "${manifest.file}" of the model "${id}" is missing. Copy it into the model's folder.`,
    )
  if (info.size !== bytes)
    throw new Error(
      `The file of the model "${id}" should have ${bytes} bytes and has ${info.size}. ` +
        'Copy it again, or seal the model if the file is new.',
    )
  const state = `${sha256} ${info.ino} ${info.mtimeMs}`
  if (verified.get(file) === state) return
  const found = await fileHash(file)
  if (found !== sha256)
    throw new Error(
      `The file of the model "${id}" should have the SHA-256 ${sha256} and has ${found}. ` +
        'Copy it again, or seal the model if the file is new.',
    )
  verified.set(file, state)
}
