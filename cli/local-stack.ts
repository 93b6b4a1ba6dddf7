import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** The part of `run/june.json` that a command needs. */
const RunFile = z.object({ gateway: z.url(), adminKey: z.string() })

/** The stack that `npm start` runs from this data directory. */
export async function localStack(dataDir: string): Promise<{ url: string; key: string }> {
  const file = join(dataDir, 'run', 'june.json')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const parsed = text === undefined ? undefined : RunFile.safeParse(JSON.parse(text))
  if (!parsed?.success)
    throw new Error(
      `No running June was found (${file} is not there or cannot be read).\n` +
        'Start one with "npm start", or name another with --url and --key.',
    )
  return { url: parsed.data.gateway, key: parsed.data.adminKey }
}
