import { describe, test } from 'vitest'
import { Failure } from './failure.ts'
import { decodeScore, encodeScore, nameOf, type Likelihood, type Score } from './score.ts'

const utf8 = new TextEncoder()
const likely = (name: string, logprob: number, isText = true): Likelihood => ({
  bytes: utf8.encode(name),
  isText,
  logprob,
})

describe('a score', () => {
  test.for<[string, Score]>([
    ['alone', { token: likely('xin', -0.5), top: [] }],
    ['of nothing visible', { token: likely('', 0), top: [] }],
    [
      'beside others',
      {
        token: likely(' chào', -9999),
        top: [likely('👋', -0.25), likely('<|im_end|>', -1.75, false)],
      },
    ],
  ])('%s is the same after the wire', ([, score], { expect }) => {
    expect(decodeScore(encodeScore(score))).toEqual(score)
  })

  test('has these very bytes', ({ expect }) => {
    const bytes = encodeScore({ token: likely('h', -0.5), top: [likely('<s>', -2, false)] })
    expect(Array.from(bytes)).toEqual([
      1, 0xbf, 0, 0, 0, 0, 1, 0x68, 0xc0, 0, 0, 0, 0x80, 3, 0x3c, 0x73, 0x3e,
    ])
  })

  test('shows half a character as what it is', ({ expect }) => {
    const half = { ...likely('👋', 0), bytes: utf8.encode('👋').slice(0, 2) }
    expect(nameOf(decodeScore(encodeScore({ token: half, top: [] })).token)).toBe('\uFFFD')
  })

  test('cut anywhere is none', ({ expect }) => {
    const bytes = encodeScore({ token: likely('h', -0.5), top: [likely('no', -2)] })
    for (const end of bytes.keys())
      expect(() => decodeScore(bytes.subarray(0, end))).toThrow(Failure)
  })
})
