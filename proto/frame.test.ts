import { describe, test } from 'vitest'
import { Failure } from './failure.ts'
import {
  cutFrame,
  decodeFrame,
  encodeFrame,
  frameHead,
  idsOf,
  scoresOf,
  textOf,
  type FrameBody,
} from './frame.ts'
import { decodeScore } from './score.ts'

/** One of each kind: a kind without a sample here does not compile. */
const samples: { [K in FrameBody['kind']]: Extract<FrameBody, { kind: K }> } = {
  tokens: { kind: 'tokens', ids: [7, 2 ** 32 - 1], texts: ['xin ', 'chào 👋'] },
  bytes: { kind: 'bytes', bytes: Uint8Array.of(0, 255, 128) },
  progress: { kind: 'progress', done: 128, total: 70_000 },
  prompt: { kind: 'prompt', promptTokens: 70_000, cachedTokens: 128 },
  consumed: { kind: 'consumed', through: 12 },
  end: { kind: 'end', finish: 'length', promptTokens: 3, cachedTokens: 2 },
  failed: {
    kind: 'failed',
    failure: new Failure('context_too_long', 'Too long.', { param: 'messages' }).toJSON(),
  },
}

describe('a frame', () => {
  test.for(Object.values(samples))('of $kind is the same after the wire', (body, { expect }) => {
    const frame = decodeFrame(encodeFrame(3, 2 ** 32 - 1, body))
    expect(frame).toEqual({ epoch: 3, seq: 2 ** 32 - 1, count: frame.count, ...body })
  })

  test('has these very bytes', ({ expect }) => {
    const bytes = encodeFrame(1, 258, { kind: 'tokens', ids: [5, 6], texts: ['h', 'i!'] })
    expect(Array.from(bytes)).toEqual([
      0x01, 0x00, 0, 0, 0, 1, 0, 0, 1, 2, 0, 2, 0, 0, 0, 5, 0, 1, 0, 0, 0, 6, 0, 2, 0x68, 0x69,
      0x21,
    ])
  })

  test('shows its text from any token on', ({ expect }) => {
    const bytes = encodeFrame(1, 0, samples.tokens)
    expect([textOf(bytes, 2), textOf(bytes, 2, 1), textOf(bytes, 2, 2)]).toEqual([
      'xin chào 👋',
      'chào 👋',
      '',
    ])
    expect(idsOf(bytes, 2)).toEqual([7, 2 ** 32 - 1])
  })

  test('cut at any token is the frame that an engine would have made from there', ({ expect }) => {
    const ids = [7, 8, 9, 10]
    const texts = ['xin ', '', 'chào', ' 👋']
    const scores = [[1, 2], [], [3], [4, 5, 6]].map((bytes) => Uint8Array.from(bytes))
    const from = (skip: number) => ({
      kind: 'tokens' as const,
      ids: ids.slice(skip),
      texts: texts.slice(skip),
    })
    const scored = (skip: number) => ({ ...from(skip), scores: scores.slice(skip) })
    for (const bodyFrom of [from, scored]) {
      const whole = encodeFrame(3, 40, bodyFrom(0))
      for (const skip of ids.keys())
        expect(cutFrame(whole, skip)).toEqual(encodeFrame(3, 40 + skip, bodyFrom(skip)))
      expect(() => cutFrame(whole, 4)).toThrow(RangeError)
    }
  })

  test.for([samples.bytes, samples.progress, samples.end])(
    'of $kind is one piece and is not cut',
    (body, { expect }) => {
      const bytes = encodeFrame(3, 40, body)
      expect(cutFrame(bytes, 1)).toEqual(bytes)
    },
  )

  test('with scores is tokens to everyone, and has these very bytes', ({ expect }) => {
    const scores = [Uint8Array.of(9, 9), Uint8Array.of(8)]
    const bytes = encodeFrame(1, 258, { kind: 'tokens', ids: [5, 6], texts: ['h', 'i!'], scores })
    expect(Array.from(bytes)).toEqual([
      0x01, 0x06, 0, 0, 0, 1, 0, 0, 1, 2, 0, 2, 0, 0, 0, 5, 0, 1, 0, 0, 0, 6, 0, 2, 0x68, 0x69,
      0x21, 0, 2, 9, 9, 0, 1, 8,
    ])
    expect(frameHead(bytes)).toEqual({ kind: 'tokens', epoch: 1, seq: 258, count: 2 })
    expect([textOf(bytes, 2), textOf(bytes, 2, 1), textOf(bytes, 2, 2)]).toEqual(['hi!', 'i!', ''])
    expect(idsOf(bytes, 2)).toEqual([5, 6])
    expect(scoresOf(bytes, 2)).toEqual(scores)
    expect(decodeFrame(bytes)).toMatchObject({ ids: [5, 6], texts: ['h', 'i!'], scores })
  })

  test('whose scores end too early is read without reading past its end', ({ expect }) => {
    const scores = [Uint8Array.of(9, 9), Uint8Array.of(8)]
    const bytes = encodeFrame(1, 0, { kind: 'tokens', ids: [5, 6], texts: ['h', 'i!'], scores })
    const [first, second] = scoresOf(bytes.subarray(0, -3), 2)
    expect([first, second]).toEqual([scores[0], new Uint8Array()])
    expect(() => decodeScore(second)).toThrow(Failure)
  })

  test.for([
    { title: 'an empty status message', bytes: [] },
    { title: 'a cut header', bytes: [1, 0, 0, 0, 0, 1] },
    { title: 'another version', bytes: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    { title: 'no token', bytes: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    { title: 'a block that counts a thousand', bytes: [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 3, 232, 7] },
    { title: 'progress with a position', bytes: [1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1] },
    { title: 'an unknown kind', bytes: [1, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    {
      title: 'tokens without the scores it says',
      bytes: [1, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
    },
    {
      title: 'fewer tokens than it says',
      bytes: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0],
    },
  ])('is never made of $title', ({ bytes }, { expect }) => {
    expect(frameHead(Uint8Array.from(bytes))).toBeUndefined()
    expect(() => decodeFrame(Uint8Array.from(bytes))).toThrow(Failure)
  })

  test('with a payload that is no JSON throws a failure, not a syntax error', ({ expect }) => {
    const end = encodeFrame(1, 0, samples.end)
    end[12] = 0x78
    expect(() => decodeFrame(end)).toThrow(Failure)
  })
})
