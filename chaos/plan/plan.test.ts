import { describe, test } from 'vitest'
import { planFaults, type FaultPlan } from './faults.ts'
import type { Params, Target } from './params.ts'
import { BUILT_IN, planStreams, type StreamPlan } from './streams.ts'

const params: Params = {
  seed: 7,
  streams: 200,
  minutes: 5,
  workers: 4,
  gateways: 2,
  faults: ['workers', 'gateways', 'broker'],
  resumable: 0.5,
  fenced: true,
}

const strikesOn = (target: Target): FaultPlan[] =>
  planFaults(params).filter((plan) => plan.target === target && plan.kind !== 'late')

/** How many stand still, or are on their way up again, when this one is struck. */
const awayWith = ({ atMs }: FaultPlan, strikes: readonly FaultPlan[]): number =>
  strikes.filter((other) => other.atMs <= atMs && atMs < other.atMs + awayMs(other)).length
const awayMs = ({ kind, forMs }: FaultPlan): number => (kind === 'kill' ? 3_000 : forMs)

const isDrawn = ({ ask }: StreamPlan): boolean => ask.model === BUILT_IN && ask.temperature > 0

describe('a plan', () => {
  test('is the same for the same seed, and another for another', ({ expect }) => {
    expect(planFaults(params)).toEqual(planFaults(params))
    expect(planStreams(params)).toEqual(planStreams(params))
    expect(planFaults({ ...params, seed: 8 })).not.toEqual(planFaults(params))
    expect(planStreams({ ...params, seed: 8 })).not.toEqual(planStreams(params))
  })

  test('does the same faults to one stream as to many', ({ expect }) => {
    expect(planFaults({ ...params, streams: 1 })).toEqual(planFaults(params))
  })

  test.for([
    { target: 'workers' as const, all: 4, atOnce: 2 },
    { target: 'gateways' as const, all: 2, atOnce: 1 },
  ])('never has more than $atOnce of $all $target away', ({ target, atOnce }, { expect }) => {
    const strikes = strikesOn(target)
    expect(strikes.length).toBeGreaterThan(10)
    for (const strike of strikes) expect(awayWith(strike, strikes)).toBeLessThanOrEqual(atOnce)
  })

  test('has every way to strike, to leave and to come back in it', ({ expect }) => {
    const strikes = new Set(planFaults(params).map(({ kind, target }) => `${kind} ${target}`))
    expect([...strikes].toSorted()).toEqual([
      'freeze broker',
      'freeze gateways',
      'freeze workers',
      'kill gateways',
      'kill workers',
      'late workers',
    ])
    const streams = planStreams(params)
    expect(streams.some(({ drops }) => drops)).toBe(true)
    expect(streams.some(({ leavesAfter }) => leavesAfter)).toBe(true)
    expect(streams.some(({ idempotencyKey }) => idempotencyKey)).toBe(true)
    expect(streams.some(isDrawn)).toBe(true)
    expect(new Set(streams.map(({ resumesBy }) => resumesBy)).size).toBe(3)
  })
})
