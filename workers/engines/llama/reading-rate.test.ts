import { describe, test } from 'vitest'
import { ReadingRate } from './reading-rate.ts'

/** The pieces in which a prompt is read by a machine that takes `msPerToken`. */
function pieces(rate: ReadingRate, tokens: number, msPerToken: number, budgetMs = 90) {
  const sizes: number[] = []
  for (let left = tokens; left > 0; left -= sizes.at(-1) ?? 0) {
    const size = rate.chunk(budgetMs, left)
    rate.learn(size, size * msPerToken)
    sizes.push(size)
  }
  return sizes
}

describe('a reading rate', () => {
  test('starts small and soon takes as long as it may', ({ expect }) => {
    const sizes = pieces(new ReadingRate(512), 1000, 1)
    expect(sizes[0]).toBe(16)
    expect(sizes[2]).toBe(90)
  })

  test('never takes a slow machine far over its budget', ({ expect }) => {
    const rate = new ReadingRate(512)
    pieces(rate, 16, 20)
    for (const size of pieces(rate, 200, 20)) expect(size * 20).toBeLessThanOrEqual(100)
  })

  test('takes no more than a step holds', ({ expect }) => {
    const rate = new ReadingRate(512)
    expect(Math.max(...pieces(rate, 10_000, 0.01))).toBe(512)
  })

  test.for(Array.from({ length: 60 }, (_, i) => i + 2))(
    'leaves no single token of %i',
    (tokens, { expect }) => {
      for (const msPerToken of [0.1, 3, 10, 30])
        expect(pieces(new ReadingRate(512), tokens, msPerToken)).not.toContain(1)
    },
  )
})
