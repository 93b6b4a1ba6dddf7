import { readdir } from 'node:fs/promises'
import { parse } from 'node:path'
import { ECHO_QUEUE } from '../../proto/echo.ts'
import type { Queue } from '../../proto/subjects.ts'

/** What workers on this machine may serve: the models in these folders, and echo. Nothing else may they pull. */
export async function queuesIn(modelDirs: readonly string[]): Promise<Queue[]> {
  const names = new Set<string>([ECHO_QUEUE])
  for (const dir of modelDirs) {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (entry.isFile() && entry.name.endsWith('.gguf')) names.add(parse(entry.name).name)
      else if (!entry.isFile() && !entry.name.startsWith('.')) names.add(entry.name)
    }
  }
  const chat = Array.from(names, (name): Queue => ({ kind: 'chat', name }))
  return [...chat, { kind: 'duplex', name: ECHO_QUEUE }]
}
