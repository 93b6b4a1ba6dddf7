import { describe, test } from 'vitest'
import { InputLog } from './input-log.ts'

const block = (n: number) => Uint8Array.of(n)

describe('an input log', () => {
  test('gives the next worker what is not yet final, by its numbers', ({ expect }) => {
    const log = new InputLog()
    for (const n of [0, 1, 2, 3]) log.add(block(n))
    log.release(2)
    expect([...log.rest()].map(({ seq }) => seq)).toEqual([2, 3])
    expect({ first: log.first, next: log.next }).toEqual({ first: 2, next: 4 })
  })

  test('is not fooled by a release that was seen before or lies in the future', ({ expect }) => {
    const log = new InputLog()
    log.add(block(0))
    log.release(9)
    log.release(0)
    expect({ first: log.first, next: log.next, pending: log.pending }).toEqual({
      first: 1,
      next: 1,
      pending: false,
    })
  })
})
