import { describe, test } from 'vitest'
import { take } from './gcra.ts'
import { duration } from './limit.ts'

const quota = { perMinute: 3 }

describe('take', () => {
  test.for([
    { title: 'a burst passes', at: [0, 0, 0], ok: [true, true, true] },
    { title: 'the one after it waits', at: [0, 0, 0, 0], ok: [true, true, true, false] },
    {
      title: 'one more comes back in a third of the minute',
      at: [0, 0, 0, 20_000, 20_000],
      ok: [true, true, true, true, false],
    },
    {
      title: 'idleness saves up no more than a burst',
      at: [0, 900_000, 900_000, 900_000, 900_000],
      ok: [true, true, true, true, false],
    },
    {
      title: 'a clock that steps back lets no one through early',
      at: [5_000, 5_000, 5_000, 0],
      ok: [true, true, true, false],
    },
  ])('$title', ({ at, ok }, { expect }) => {
    let tat = 0
    const decisions = at.map((now) => {
      const decision = take(tat, now, quota)
      tat = decision.tat
      return decision.ok
    })
    expect(decisions).toEqual(ok)
  })

  test('a refused request consumes nothing and says when to come back', ({ expect }) => {
    const third = [0, 0, 0].reduce((tat, now) => take(tat, now, quota).tat, 0)
    const refused = take(third, 0, quota)
    expect(refused).toMatchObject({ ok: false, tat: third, retryMs: 20_000, remaining: 0 })
    expect(take(refused.tat, 20_000, quota).ok).toBe(true)
  })
})

describe('a duration', () => {
  test.for([
    [0, '0ms'],
    [12.4, '12ms'],
    [12_000.000000000002, '12s'],
    [12_001, '13s'],
    [360_000, '6m0s'],
    [3_600_000, '1h0m0s'],
  ] as const)('of %d ms is told as %s', ([ms, told], { expect }) => {
    expect(duration(ms)).toBe(told)
  })
})
