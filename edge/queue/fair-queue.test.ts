import { array, assert, integer, property } from 'fast-check'
import { describe, test } from 'vitest'
import { QUANTUM_TOKENS, WEIGHTS } from './fair-queue.ts'
import {
  aheadOfLast,
  classContest,
  contest,
  MOST,
  ordersOf,
  PLAIN,
  Run,
  someJob,
  someStep,
  someTenant,
  spread,
  TENANTS,
} from './fair-run.ts'
import { TokenCounters } from './token-counters.ts'

describe('a fair queue', () => {
  test('gives whenever something waits, each job once, and nothing that left', ({ expect }) => {
    assert(
      property(array(someStep, { maxLength: 200 }), (steps) => {
        const run = new Run()
        for (const what of steps) {
          run.do(what)
          expect(run.queue.size).toBe(run.waiting.length)
        }
        const left = run.waiting.length
        for (let i = 0; i < left; i++) expect(run.take()).toBeDefined()
        expect(run.take()).toBeUndefined()
        expect(new Set(run.begun).size).toBe(run.begun.length)
      }),
    )
  })

  test('keeps the order of one tenant in one class', ({ expect }) => {
    assert(
      property(array(someStep, { maxLength: 200 }), (steps) => {
        for (const order of ordersOf(steps)) expect(order).toEqual(order.toSorted((a, b) => a - b))
      }),
    )
  })

  test('serves no tenant more than 2u beyond another while both wait, where costs are known', ({
    expect,
  }) => {
    assert(
      property(array(someJob, { maxLength: 30 }), integer({ min: 1, max: 8 }), (jobs, n) => {
        const known = jobs.map((job) => ({ ...job, cost: job.actual }))
        expect(contest(known, n).gap).toBeLessThanOrEqual(2 * MOST)
      }),
      { numRuns: 40 },
    )
  })

  test('serves no tenant more than 2(n+1)u beyond another where costs turn out otherwise', ({
    expect,
  }) => {
    assert(
      property(array(someJob, { maxLength: 30 }), integer({ min: 1, max: 8 }), (jobs, n) => {
        expect(contest(jobs, n).gap).toBeLessThanOrEqual(2 * (n + 1) * MOST)
      }),
      { numRuns: 40 },
    )
  })

  test('corrects what was guessed wrong: who costs ten times what it seems gets a tenth of the turns', ({
    expect,
  }) => {
    const liar = { ...PLAIN, tenant: 'a', actual: 1_000 }
    const { last } = contest([liar], 4)
    expect(Math.max(...last) / Math.min(...last)).toBeLessThan(1.5)
  })

  test('gives each class its share of the tokens while all wait, and starves none', ({
    expect,
  }) => {
    assert(
      property(array(someJob, { minLength: 3, maxLength: 20 }), (jobs) => {
        // A class may be a round ahead, and the overdraft of one job.
        expect(spread(classContest(jobs))).toBeLessThanOrEqual(
          1 + MOST / (WEIGHTS.batch * QUANTUM_TOKENS),
        )
      }),
      { numRuns: 40 },
    )
  })

  test('lifts who comes to the least of those who wait: nobody saves up', ({ expect }) => {
    const run = new Run()
    for (let i = 0; i < 100; i++) run.put({ ...PLAIN, tenant: 'a' })
    for (let i = 0; i < 50; i++) run.take()
    for (let i = 0; i < 10; i++) run.put({ ...PLAIN, tenant: 'b' })
    const turns = Array.from({ length: 20 }, () => run.take()?.value.tenant)
    expect(turns.filter((name) => name === 'b')).toHaveLength(10)
    expect(new Set(turns.slice(0, 2))).toEqual(new Set(['a', 'b']))
  })

  test('says how many are ahead: exactly, where all cost the same and no class but one waits', ({
    expect,
  }) => {
    assert(
      property(array(someTenant, { minLength: 1, maxLength: 60 }), (names) => {
        const { told, before } = aheadOfLast(names)
        // Who has been charged the same is next in either order.
        expect(Math.abs(before - told)).toBeLessThan(TENANTS.length)
      }),
    )
  })

  test('remembers a bounded number of tenants that are gone', ({ expect }) => {
    const counters = new TokenCounters<number>()
    for (let i = 0; i < 10_000; i++) {
      const ticket = { value: i, tenant: `t${i}`, cost: 100 }
      counters.pass(ticket)
      counters.end(ticket)
    }
    expect(counters.known).toBeLessThanOrEqual(1_100)
  })
})
