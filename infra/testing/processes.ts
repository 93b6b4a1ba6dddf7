import { readdir, readFile } from 'node:fs/promises'

/** The processes that run with this text in their environment, by pid; a zombie has none. */
export async function processesWith(text: string): Promise<Map<number, string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = new Map<number, string>()
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (!environment.includes(text)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    found.set(Number(pid), command.replaceAll('\0', ' ').trim())
  }
  return found
}

/** What the kernel says of a process: `T` is stopped, nothing is gone (or a zombie). */
export async function stateOf(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const state = /^State:\s+(\w)/m.exec(status)?.[1]
  return state === 'Z' ? undefined : state
}
