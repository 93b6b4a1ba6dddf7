import { access, constants, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The two versions of the kernel's interface, by what a group's files are called there. */
const VERSIONS = [
  {
    root: '/sys/fs/cgroup/memory',
    sign: 'memory.limit_in_bytes',
    limit: 'memory.limit_in_bytes',
    events: 'memory.oom_control',
  },
  {
    root: '/sys/fs/cgroup',
    sign: 'cgroup.subtree_control',
    limit: 'memory.max',
    events: 'memory.events',
  },
] as const

export interface MemoryCgroup extends AsyncDisposable {
  /** Whatever this process takes from now on counts against the limit; what it has does not. */
  add: (pid: number) => Promise<void>
  /** How many of its processes the kernel has killed for memory. */
  kills: () => Promise<number>
}

/** Whether this process may make such a group: root may, where the kernel's own folder can be written. */
export async function canLimitMemory(): Promise<boolean> {
  try {
    const group = await openMemoryCgroup(2 ** 30)
    await group[Symbol.asyncDispose]()
    return true
  } catch {
    return false
  }
}

/** A group of processes that may take so much more memory. */
export async function openMemoryCgroup(limitBytes: number): Promise<MemoryCgroup> {
  for (const { root, sign, limit, events } of VERSIONS) {
    const dir = join(root, `june-test-${process.pid}`)
    try {
      await access(join(root, sign), constants.W_OK)
      await mkdir(dir)
    } catch {
      continue
    }
    try {
      await writeFile(join(dir, limit), String(limitBytes))
    } catch {
      // Version 2 without the memory controller.
      await rmdir(dir)
      continue
    }
    return {
      add: (pid) => writeFile(join(dir, 'cgroup.procs'), String(pid)),
      kills: async () =>
        Number(/^oom_kill (\d+)/m.exec(await readFile(join(dir, events), 'utf8'))?.[1]),
      [Symbol.asyncDispose]: () => rmdir(dir),
    }
  }
  throw new Error('no memory cgroup can be made here')
}
