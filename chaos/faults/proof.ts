import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export const GONE = 'gone'
const SEEN_WITHIN_MS = 2_000

/** The letter of a process's state in `/proc`, or `gone`. A zombie is gone for everyone but its parent. */
export async function stateOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name stands in parentheses and may hold some itself.
  const letter = stat.slice(stat.lastIndexOf(')') + 2)[0]
  return letter === undefined || letter === 'Z' || letter === 'X' ? GONE : letter
}

/** The first state that is as wanted, and how long it took; nothing where it never came. */
export async function seen(
  pid: number,
  wanted: (state: string) => boolean,
): Promise<{ state: string; afterMs: number } | null> {
  const startMs = performance.now()
  for (;;) {
    const state = await stateOf(pid)
    const afterMs = Math.round((performance.now() - startMs) * 100) / 100
    if (wanted(state)) return { state, afterMs }
    if (afterMs > SEEN_WITHIN_MS) return null
    await sleep(2)
  }
}
