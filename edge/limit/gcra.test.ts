import { describe, test } from 'vitest'
import { duration } from './duration.ts'
import { drained, levelAt } from './gcra.ts'

const LIMIT = 3

describe('a bucket of three a minute', () => {
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
    let tatMs = 0
    const passed = at.map((nowMs) => {
      const there = levelAt(tatMs, LIMIT, nowMs) >= 1
      tatMs = drained(tatMs, LIMIT, Number(there), nowMs)
      return there
    })
    expect(passed).toEqual(ok)
  })

  test('takes more than it has as a debt, which it pays before it gives again', ({ expect }) => {
    const tatMs = drained(0, LIMIT, 5, 0)
    expect(levelAt(tatMs, LIMIT, 0)).toBe(-2)
    expect(levelAt(tatMs, LIMIT, 60_000)).toBe(1)
  })

  test('has back what is put back, and never more than it holds', ({ expect }) => {
    const tatMs = drained(0, LIMIT, 2, 0)
    expect(levelAt(drained(tatMs, LIMIT, -1, 0), LIMIT, 0)).toBe(2)
    expect(levelAt(drained(tatMs, LIMIT, -9, 0), LIMIT, 0)).toBe(3)
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
