import { describe, test } from 'vitest'
import { Pacer } from './pacer.ts'

/** The moments at which a stream steps that asks for `steps` steps, each of them `workMs` long and `lateMs` late. */
function moments(pacer: Pacer, steps: number, { workMs = 1, lateMs = 0, fromMs = 1000 } = {}) {
  const at: number[] = []
  for (let nowMs = fromMs; at.length < steps; nowMs += workMs) {
    const waitMs = pacer.waitMs(nowMs)
    if (waitMs > 0) nowMs += waitMs + lateMs
    at.push(nowMs)
    pacer.stepped(nowMs)
  }
  return at
}

describe('a pacer', () => {
  test('steps on the beat', ({ expect }) => {
    expect(moments(new Pacer(40), 5)).toEqual([1000, 1025, 1050, 1075, 1100])
  })

  test('makes up for timers that fire late', ({ expect }) => {
    const at = moments(new Pacer(40), 101, { lateMs: 3 })
    expect(Number(at.at(-1)) - 1000).toBeLessThanOrEqual(100 * 25 + 3)
  })

  test('saves nothing up while nobody speaks', ({ expect }) => {
    const pacer = new Pacer(40)
    moments(pacer, 3)
    expect(moments(pacer, 3, { fromMs: 9000 })).toEqual([9000, 9025, 9050])
  })

  test('never waits without a pace', ({ expect }) => {
    expect(moments(new Pacer(null), 4, { workMs: 2 })).toEqual([1000, 1002, 1004, 1006])
  })
})
