import * as fc from 'fast-check'
import { assert, expect, test } from 'vitest'
import { BudgetModel } from './budget-model.fixture.ts'

const one = fc.nat(1_000)
const step = fc.oneof(
  fc.record({ do: fc.constant('lease'), at: one, n: fc.nat(60), sure: fc.boolean() }),
  fc.record({
    do: fc.constantFrom('admit', 'admit', 'raise', 'say', 'say', 'giveBack', 'strays'),
    at: one,
    n: fc.nat(40),
    sure: fc.boolean(),
  }),
  fc.record({
    do: fc.constantFrom(
      'settle',
      'settle',
      'adopt',
      'adopt',
      'usurp',
      'count',
      'close',
      'away',
      'die',
      'start',
    ),
    at: one,
    n: fc.nat(7),
    sure: fc.boolean(),
  }),
)
type Step = { do: string; at: number; n: number; sure: boolean }

const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)]

function take(model: BudgetModel, { do: what, at, n, sure }: Step): void {
  const gateway = pick(model.gateways, at)
  const other = pick(model.gateways, at + n)
  const job = pick(
    model.jobs.filter(({ final }) => !final),
    at,
  )
  if (what === 'away') model.away = n > 3
  if (what === 'start' && model.gateways.length < 8) model.start()
  if (what === 'count') model.count(5 * n)
  if (gateway) {
    if (what === 'lease') model.lease(gateway, BigInt(n), sure)
    if (what === 'giveBack') model.giveBack(gateway)
    if (what === 'admit') model.admit(gateway, n)
    if (what === 'close') model.close(gateway)
    if (what === 'strays') model.returnStrays(gateway)
    if (what === 'die' && n < 3) model.die(gateway)
  }
  if (!job || !other) return
  if (what === 'raise') model.raise(job, n)
  if (what === 'say') model.say(job, n, sure)
  if (what === 'settle') model.settle(job, n > 0)
  if (what === 'adopt' && !job.owner.alive) model.adopt(job, other, n > 0)
  // Taken from one that lives: it stood still.
  if (what === 'usurp' && n === 1 && other !== job.owner) model.adopt(job, other, true)
}

/** All is said, everybody is gone, and one is left who counts and closes. */
function finish(model: BudgetModel): void {
  model.away = false
  model.start()
  const last = model.gateways.at(-1)
  if (!last) return
  for (const gateway of model.gateways) if (gateway !== last) model.die(gateway)
  for (const job of model.jobs) {
    if (!job.final && job.owner !== last) model.adopt(job, last, true)
    model.settle(job, true)
  }
  model.count(Number.POSITIVE_INFINITY)
  model.giveBack(last)
  for (const gateway of model.gateways) model.close(gateway)
}

test('whoever leases, spends, dies or takes over: no more is spent than the cap, all of it is counted, and the rest comes back', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }),
      fc.bigInt({ min: 0n, max: 400n }),
      (steps, cap) => {
        const model = new BudgetModel(cap)
        for (const next of steps) {
          take(model, next)
          expect(model.spent + model.leased).toBeLessThanOrEqual(cap)
          expect(model.lowest).toBe(0n)
        }
        finish(model)
        expect(model.billed).toBe(model.owed)
        expect(model.spent).toBe(model.owed)
        expect(model.spent).toBeLessThanOrEqual(cap)
        expect(model.leased).toBe(0n)
      },
    ),
    { numRuns: 500 },
  )
})

test('a gateway that took a job over and had nothing to hold for its prompt is not billed for it: who let it in is', () => {
  const model = new BudgetModel(100n)
  const [letIn, between, last] = model.gateways
  assert(letIn)
  assert(between)
  assert(last)
  model.lease(letIn, 28n, true)
  model.admit(letIn, 6)
  const [job] = model.jobs
  assert(job)
  model.die(letIn)
  model.adopt(job, between, true)
  model.say(job, 0, true)
  model.adopt(job, last, true)
  model.settle(job, true)
  model.count(1)
  expect(job.final?.paid).toMatchObject([{ gateway: letIn.id, amount: '2' }])
  expect(model.lowest).toBe(0n)
})
