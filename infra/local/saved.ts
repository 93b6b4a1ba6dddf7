import { chmod, readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { Trouble } from '../trouble.ts'
import { writeWhole } from './write-whole.ts'

/** What a file of ours holds, or nothing where there is none. A damaged one is told, not replaced: it holds secrets. */
export async function readSaved<T>(
  file: string,
  schema: z.ZodType<T>,
  remedy: string,
): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new Trouble(`${file} cannot be read (${cause.code}).`, 'Give it back to this user.', {
      cause,
    })
  })
  if (text === undefined) return undefined
  try {
    const saved = schema.parse(JSON.parse(text))
    await chmod(file, 0o600)
    return saved
  } catch (cause) {
    throw new Trouble(`${file} is damaged.`, remedy, { cause })
  }
}

export async function save(file: string, value: unknown): Promise<void> {
  await writeWhole(file, `${JSON.stringify(value, null, 2)}\n`)
}
