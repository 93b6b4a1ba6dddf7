import { array, assert, constantFrom, integer, property } from 'fast-check'
import { test } from 'vitest'
import { tailAfter, type Tail } from './utf8-tail.ts'

const utf8 = new TextEncoder()
/** Whether bytes are text, or the beginning of one. */
const isText = (bytes: readonly number[]): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes), { stream: true })
    return true
  } catch {
    return false
  }
}

/** The tail after several pieces. */
const tailOf = (pieces: readonly Uint8Array[]): Tail | undefined =>
  pieces.reduce<Tail | undefined>(
    (tail, piece) => (tail === undefined ? undefined : tailAfter(tail, piece)),
    0,
  )

test('text goes on, however it is cut', ({ expect }) => {
  assert(
    property(
      array(constantFrom('a', '"', 'ü', '→', '퟿', '', '👋', '\u{10FFFF}'), { maxLength: 8 }),
      integer({ min: 1, max: 5 }),
      (chars, size) => {
        const whole = utf8.encode(chars.join(''))
        const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
          whole.slice(i * size, (i + 1) * size),
        )
        expect(tailOf(pieces)).toBe(0)
      },
    ),
  )
})

test('a byte breaks a character exactly where a decoder says so', ({ expect }) => {
  const edges = [0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf]
  const byte = constantFrom(...edges, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xf0, 0xf1, 0xf4, 0xf5, 0xff)
  assert(
    property(array(byte, { maxLength: 8 }), (bytes) => {
      const goesOn = tailOf([Uint8Array.from(bytes)]) !== undefined
      expect(goesOn).toBe(isText(bytes))
    }),
    { numRuns: 20_000 },
  )
})
