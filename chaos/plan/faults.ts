import { z } from 'zod'
import { Draw } from './draw.ts'
import type { Params, Target } from './params.ts'

/** `kill` is `kill -9`; `freeze` is SIGSTOP, and SIGCONT after `forMs`; `late` is frames of old epochs that come late. */
export const FaultPlan = z.object({
  fault: z.int(),
  atMs: z.number(),
  kind: z.enum(['kill', 'freeze', 'late']),
  target: z.enum(['workers', 'gateways', 'broker']),
  /** Which of them, as they were numbered at the start. */
  index: z.int(),
  forMs: z.number(),
})
export type FaultPlan = z.infer<typeof FaultPlan>

interface Habit {
  everyMs: readonly [number, number]
  /** Of the faults, how many kill. */
  kills: number
  freezeMs: readonly [number, number]
  /** A killed one is counted as away for so long. */
  awayMs: number
  /** How many may be away at once, of all. */
  atOnce: (all: number) => number
}

const HABITS: Record<Target, Habit> = {
  workers: {
    everyMs: [500, 1_200],
    kills: 0.45,
    freezeMs: [300, 3_000],
    awayMs: 3_000,
    atOnce: (all) => Math.floor(all / 2),
  },
  gateways: {
    everyMs: [3_000, 6_000],
    kills: 0.5,
    freezeMs: [300, 3_000],
    awayMs: 4_000,
    // One is always there.
    atOnce: (all) => Math.min(all - 1, Math.ceil(all / 2)),
  },
  broker: {
    everyMs: [12_000, 20_000],
    kills: 0,
    freezeMs: [1_000, 1_000],
    awayMs: 0,
    atOnce: () => 1,
  },
}

/** Every fault of a run, in the order of time: a pure function of the parameters. */
export function planFaults(params: Params): FaultPlan[] {
  const counts: Record<Target, number> = {
    workers: params.workers,
    gateways: params.gateways,
    broker: 1,
  }
  const all = params.faults.flatMap((target) => planOn(target, counts[target], params))
  // Old epochs come of workers that were struck.
  if (params.faults.includes('workers')) all.push(...planLate(params))
  return all.toSorted((a, b) => a.atMs - b.atMs).map((plan, fault) => ({ ...plan, fault }))
}

function planOn(target: Target, count: number, params: Params): Omit<FaultPlan, 'fault'>[] {
  const draw = new Draw(params.seed, target)
  const habit = HABITS[target]
  const runMs = params.minutes * 60_000
  const awayUntilMs = Array.from({ length: count }, () => 0)
  const plans: Omit<FaultPlan, 'fault'>[] = []
  for (let atMs = draw.whole(400, habit.everyMs[1]); atMs < runMs;) {
    const kind = draw.chance(habit.kills) ? 'kill' : 'freeze'
    const forMs = draw.whole(...habit.freezeMs)
    const here = [...awayUntilMs.entries()].filter(([, untilMs]) => untilMs <= atMs)
    const away = count - here.length
    const [index] = here[draw.whole(0, Math.max(0, here.length - 1))] ?? []
    if (index !== undefined && away < habit.atOnce(count)) {
      plans.push({ atMs, kind, target, index, forMs: kind === 'freeze' ? forMs : 0 })
      awayUntilMs[index] = atMs + (kind === 'kill' ? habit.awayMs : forMs + 500)
    }
    atMs += draw.whole(...habit.everyMs)
  }
  return plans
}

function planLate(params: Params): Omit<FaultPlan, 'fault'>[] {
  const draw = new Draw(params.seed, 'late')
  const runMs = params.minutes * 60_000
  const plans: Omit<FaultPlan, 'fault'>[] = []
  for (let atMs = 1_000; atMs < runMs; atMs += draw.whole(200, 500))
    plans.push({ atMs, kind: 'late', target: 'workers', index: 0, forMs: 0 })
  return plans
}
