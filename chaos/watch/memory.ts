import { readFile } from 'node:fs/promises'
import type { Of } from '../history.ts'
import type { History } from '../history-file.ts'
import type { Members } from './members.ts'

const EVERY_MS = 2_000

export async function noteMemory(
  history: History,
  members: Members,
  when: Of<'memory'>['when'],
): Promise<void> {
  for (const of of await members.all()) {
    const status = await readFile(`/proc/${of.pid}/status`, 'utf8').catch(() => '')
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? []
    if (kib !== undefined) history.add({ type: 'memory', when, of, rssBytes: Number(kib) * 1_024 })
  }
}

/** Until it is disposed of. */
export function watchMemory(history: History, members: Members): Disposable {
  const timer = setInterval(() => {
    // `june.json` is not there for a moment while the stack goes down.
    noteMemory(history, members, 'during').catch(() => undefined)
  }, EVERY_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
