import { describe, test } from 'vitest'
import { Failure } from './failure.ts'
import { decodeFrame, encodeFrame, frameHead, idsOf, textOf, type FrameBody } from './frame.ts'

/** One of each kind: a kind without a sample here does not compile. */
const samples: { [K in FrameBody['kind']]: Extract<FrameBody, { kind: K }> } = {
  tokens: { kind: 'tokens', ids: [7, 2 ** 32 - 1], texts: ['xin ', 'chào 👋'] },
  bytes: { kind: 'bytes', bytes: Uint8Array.of(0, 255, 128) },
  progress: { kind: 'progress', done: 128, total: 70_000 },
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

  test.for([
    { title: 'an empty status message', bytes: [] },
    { title: 'a cut header', bytes: [1, 0, 0, 0, 0, 1] },
    { title: 'another version', bytes: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    { title: 'no token', bytes: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    { title: 'a block that counts a thousand', bytes: [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 3, 232, 7] },
    { title: 'progress with a position', bytes: [1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1] },
    { title: 'an unknown kind', bytes: [1, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
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
