import { readdir } from 'node:fs/promises'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { stateOf } from '../infra/testing/processes.ts'

const GIVE_UP_MS = 5_000

export interface Struck {
  /** When the signal was sent, on the clock of `performance`. */
  atMs: number
  /** When the kernel said that it had taken effect: the process is gone, or stands still. */
  provedAtMs: number
}

/** Kills a process, and sees that it is gone. */
export const kill = (pid: number): Promise<Struck> => strike(pid, 'SIGKILL', isGone)

/** Stops a process, and sees that it stands still. */
export const freeze = (pid: number): Promise<Struck> => strike(pid, 'SIGSTOP', standsStill)

/** Lets a process go on, and sees that it does. */
export async function thaw(pid: number): Promise<void> {
  process.kill(pid, 'SIGCONT')
  while ((await stateOf(pid)) === 'T') await sleep(5)
}

/** A main thread that is dead is not enough: its sockets are open until the last of its threads has ended. */
async function isGone(pid: number): Promise<boolean> {
  if ((await stateOf(pid)) !== undefined) return false
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  return threads.length <= 1
}

const standsStill = async (pid: number): Promise<boolean> => (await stateOf(pid)) === 'T'

async function strike(
  pid: number,
  signal: NodeJS.Signals,
  tookEffect: (pid: number) => Promise<boolean>,
): Promise<Struck> {
  const atMs = performance.now()
  process.kill(pid, signal)
  // Some milliseconds at most, and every one of them would be part of the figure.
  while (!(await tookEffect(pid))) {
    if (performance.now() - atMs > GIVE_UP_MS) throw new Error(`void: ${signal} had no effect`)
    await setImmediate()
  }
  return { atMs, provedAtMs: performance.now() }
}
