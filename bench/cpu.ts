import { readdir, readFile } from 'node:fs/promises'

/** Microseconds of CPU that a process has used so far, all its threads together, from the scheduler's own count. */
export async function cpuMicros(pid: number): Promise<number> {
  let nanos = 0
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0')
    nanos += Number(stat.split(' ')[0])
  }
  return nanos / 1000
}
