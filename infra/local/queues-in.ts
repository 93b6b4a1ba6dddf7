import { readdir, readFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { ECHO_QUEUE } from '../../proto/echo.ts'
import { JobKind } from '../../proto/job.ts'
import { LEXICAL_EMBED, LEXICAL_RERANK } from '../../proto/lexical.ts'
import type { Queue } from '../../proto/subjects.ts'

/** What workers on this machine may serve: the models in these folders, and those of code alone. Nothing else may they pull. */
export async function queuesIn(modelDirs: readonly string[]): Promise<Queue[]> {
  const kinds = new Map<string, JobKind>([[ECHO_QUEUE, 'chat']])
  for (const dir of modelDirs) {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const { name } = entry
      const isFile = entry.isFile()
      if (isFile && name.endsWith('.gguf')) kinds.set(parse(name).name, 'chat')
      // The first folder that holds a model wins, as it does with workers.
      else if (!isFile && !name.startsWith('.') && !kinds.has(name))
        kinds.set(name, await kindIn(join(dir, name)))
    }
  }
  const found = Array.from(kinds, ([name, kind]): Queue => ({ kind, name }))
  return [
    ...found,
    { kind: 'duplex', name: ECHO_QUEUE },
    { kind: 'embed', name: LEXICAL_EMBED },
    { kind: 'rerank', name: LEXICAL_RERANK },
  ]
}

/** What its manifest says that a model does. One that cannot be read is for its worker to complain of. */
async function kindIn(dir: string): Promise<JobKind> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
    const said =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'kind') : ''
    return JobKind.catch('chat').parse(said)
  } catch {
    return 'chat'
  }
}
