import { setTimeout as sleep } from 'node:timers/promises'
import type { Member, Proof } from '../history.ts'
import type { History } from '../history-file.ts'
import type { FaultPlan } from '../plan/faults.ts'
import type { Tap } from '../watch/tap.ts'
import { sayLate } from './late.ts'
import { GONE, seen } from './proof.ts'

export interface Reach {
  /** Who is up now, by target, each at the index it had at the start. */
  present: (target: FaultPlan['target']) => Promise<readonly (Member | undefined)[]>
  tap: Tap
}

/** Does what was planned, when it was planned, and waits until the last is over. */
export async function injectFaults(
  history: History,
  reach: Reach,
  plans: readonly FaultPlan[],
): Promise<void> {
  const frozen = new Set<number>()
  const startMs = performance.now()
  const running: Promise<void>[] = []
  for (const plan of plans) {
    await sleep(Math.max(0, plan.atMs - (performance.now() - startMs)))
    running.push(inject({ history, reach, frozen }, plan))
  }
  await Promise.all(running)
}

interface Scene {
  history: History
  reach: Reach
  /** Who stands still at this moment. */
  frozen: Set<number>
}

async function inject({ history, reach, frozen }: Scene, plan: FaultPlan): Promise<void> {
  if (plan.kind === 'late') return late(history, reach, plan)
  const all = await reach.present(plan.target)
  const struck = all[plan.index]
  const others = all.filter((one) => one && one !== struck && !frozen.has(one.pid))
  if (!struck || frozen.has(struck.pid))
    return history.add({ type: 'skipped', plan, why: 'it was not up' })
  if (others.length === 0 && plan.target !== 'broker')
    return history.add({ type: 'skipped', plan, why: 'it was the last that was up' })
  const tMs = history.nowMs
  const proof = await (plan.kind === 'kill' ? kill(struck.pid) : freeze(struck.pid, plan, frozen))
  const { name, pid } = struck
  history.add({ type: 'fault', plan, name, pid, untilMs: history.nowMs, proof }, tMs)
}

async function late(history: History, { tap }: Reach, plan: FaultPlan): Promise<void> {
  const tMs = history.nowMs
  const said = await sayLate(tap)
  if (!said) return history.add({ type: 'skipped', plan, why: 'no job had moved' })
  const { names: name, proof } = said
  history.add({ type: 'fault', plan, name, pid: 0, untilMs: history.nowMs, proof }, tMs)
}

async function kill(pid: number): Promise<Proof | null> {
  if (!signal(pid, 'SIGKILL')) return null
  const struck = await seen(pid, (state) => state === GONE)
  return struck && { struck, resumed: null }
}

async function freeze(
  pid: number,
  { forMs }: FaultPlan,
  frozen: Set<number>,
): Promise<Proof | null> {
  frozen.add(pid)
  try {
    if (!signal(pid, 'SIGSTOP')) return null
    const struck = await seen(pid, (state) => state === 'T')
    await sleep(forMs)
    signal(pid, 'SIGCONT')
    const resumed = await seen(pid, (state) => state !== 'T')
    return struck && resumed && { struck, resumed }
  } finally {
    frozen.delete(pid)
  }
}

/** False where there is no such process. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
