import { describe, test } from 'vitest'
import type { Output } from '../../proto/frame.ts'
import { portion, sizeOf } from './portion.ts'

const three = { kind: 'tokens', ids: [1, 2, 3], texts: ['a', '', 'bc'] } satisfies Output

describe('a portion', () => {
  test('takes tokens and their texts together', ({ expect }) => {
    expect(portion(three, 2)).toEqual([
      { kind: 'tokens', ids: [1, 2], texts: ['a', ''] },
      { kind: 'tokens', ids: [3], texts: ['bc'] },
    ])
    expect(portion(three, 3)).toEqual([three, undefined])
  })

  test('takes scores with their tokens', ({ expect }) => {
    const scores = [1, 2, 3].map((byte) => Uint8Array.of(byte))
    expect(portion({ ...three, scores }, 1)).toEqual([
      { kind: 'tokens', ids: [1], texts: ['a'], scores: scores.slice(0, 1) },
      { kind: 'tokens', ids: [2, 3], texts: ['', 'bc'], scores: scores.slice(1) },
    ])
  })

  test('leaves what takes no position as it is', ({ expect }) => {
    const progress: Output = { kind: 'progress', done: 1, total: 2 }
    expect(portion(progress, 0)).toEqual([progress, undefined])
    expect(sizeOf(progress)).toBe(0)
  })
})
