import { describe, test } from 'vitest'
import { interleave } from './interleave.ts'

async function* things(...all: readonly (string | Error)[]): AsyncGenerator<string> {
  for (const one of all) {
    await Promise.resolve()
    if (one instanceof Error) throw one
    yield one
  }
}

describe('several sources as one', () => {
  test('lose nothing and keep the order of each', async ({ expect }) => {
    const all = await Array.fromAsync(
      interleave([things('a', 'b'), things(), things('c', 'd', 'e')]),
    )
    expect(all.filter(([i]) => i === 0).map(([, one]) => one)).toEqual(['a', 'b'])
    expect(all.filter(([i]) => i === 2).map(([, one]) => one)).toEqual(['c', 'd', 'e'])
    expect(all).toHaveLength(5)
  })

  test('end together where one fails', async ({ expect }) => {
    const broken = interleave([things('a', 'b', 'c', 'd'), things(new Error('no'))])
    await expect(Array.fromAsync(broken)).rejects.toThrow('no')
  })

  test('are all let go by who stops reading', async ({ expect }) => {
    let ended = 0
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) yield 'x'
      } finally {
        ended++
      }
    }
    for await (const _ of interleave([endless(), endless()])) break
    await Promise.resolve()
    expect(ended).toBe(2)
  })
})
