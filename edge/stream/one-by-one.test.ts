import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { decodeFrame, encodeFrame } from '../../proto/frame.ts'
import { apart } from './one-by-one.ts'

const plain = fc.record({ id: fc.nat(0xffff_ffff), text: fc.string({ unit: 'grapheme' }) })
const scored = fc.record({
  id: fc.nat(0xffff_ffff),
  text: fc.string({ unit: 'grapheme' }),
  score: fc.uint8Array({ maxLength: 8 }).map((bytes) => Uint8Array.from(bytes)),
})
interface Token {
  id: number
  text: string
  score?: Uint8Array
}

/** Tokens in frames as they came together. */
const groupsOf = (token: fc.Arbitrary<Token>) =>
  fc.array(fc.array(token, { minLength: 1, maxLength: 5 }), { maxLength: 6 })

function framesOf(groups: readonly (readonly Token[])[]): Uint8Array[] {
  let seq = 0
  return groups.map((tokens) => {
    const at = seq
    seq += tokens.length
    const scores = tokens.flatMap(({ score }) => (score ? [score] : []))
    return encodeFrame(3, at, {
      kind: 'tokens',
      ids: tokens.map(({ id }) => id),
      texts: tokens.map(({ text }) => text),
      ...(scores.length > 0 && { scores }),
    })
  })
}

describe('frames of one token each', () => {
  test('say what the frames said, at the same positions, however the tokens came', ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(groupsOf(plain), groupsOf(scored)), (groups) => {
        const single = apart(framesOf(groups)).map((bytes) => decodeFrame(bytes))
        expect(single).toEqual(
          framesOf(groups.flat().map((token) => [token])).map((bytes) => decodeFrame(bytes)),
        )
      }),
    )
  })

  test('leave alone what is no token', ({ expect }) => {
    const block = encodeFrame(1, 0, { kind: 'bytes', bytes: Uint8Array.of(1, 2) })
    const end = encodeFrame(1, 1, { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 })
    expect(apart([block, end])).toEqual([block, end])
  })
})
