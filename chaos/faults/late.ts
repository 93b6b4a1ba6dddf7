import { setTimeout as sleep } from 'node:timers/promises'
import type { Proof } from '../history.ts'
import type { Tap } from '../watch/tap.ts'
import { markedFrame } from './mark.ts'

const HEARD_WITHIN_MS = 5_000
const AT_MOST = 4

/**
 * Frames of old epochs that come late, as after a partition: for jobs that moved, one is said in the name of the worker that
 * had them, marked, at the position that comes next. A worker that wakes up hears `cancel` before it speaks nearly always, so
 * that real ones are rare. Nothing where no job had moved.
 */
export async function sayLate(
  tap: Tap,
): Promise<{ names: string; proof: Proof | null } | undefined> {
  const moved = tap.moved().slice(-AT_MOST)
  if (moved.length === 0) return undefined
  const startMs = performance.now()
  const heard = moved.map(({ job, before, next }) => {
    const { worker, epoch } = before
    const back = tap.heardMarked()
    tap.nc.publish(`out.${worker}.${job}`, markedFrame(epoch, next))
    return back
  })
  const all = Promise.all(heard).then(() => true)
  const inTime = await Promise.race([all, sleep(HEARD_WITHIN_MS, false)])
  const afterMs = Math.round((performance.now() - startMs) * 100) / 100
  const names = [...new Set(moved.map(({ before }) => before.worker))].join(' ')
  return { names, proof: inTime ? { struck: { state: 'heard', afterMs }, resumed: null } : null }
}
