import { test } from 'vitest'
import { BarredTokens } from './barred-tokens.ts'

const utf8 = new TextEncoder()
const [BEGIN, END, QUOTE, LEAD, SECOND, BAD, WORD] = [0, 1, 2, 3, 4, 5, 6]
const pieces = ['', '', '"', [0xc3], [0xbc], [0xff], 'ü"']
const barred = new BarredTokens({
  size: pieces.length,
  pieceOf: (id) => bytesOf(pieces[id]),
  isEnd: (id) => id === END,
})
const bytesOf = (piece: string | number[] = ''): Uint8Array =>
  typeof piece === 'string' ? utf8.encode(piece) : Uint8Array.from(piece)

test('between characters, what is no beginning of one is barred, and what is no text', ({
  expect,
}) => {
  expect(barred.idsAfter(0)).toEqual([BEGIN, SECOND, BAD])
  expect(barred.after(0)).toEqual({
    tokenBiasKeys: Uint32Array.of(BEGIN, SECOND, BAD),
    tokenBiasValues: new Float32Array(3).fill(-Infinity),
  })
})

test('within a character, all but the rest of it is barred', ({ expect }) => {
  expect(barred.idsAfter(1)).toEqual([BEGIN, QUOTE, LEAD, BAD, WORD])
})

test('where every token is text, none is', ({ expect }) => {
  const words = { size: 2, pieceOf: () => utf8.encode('x'), isEnd: () => false }
  expect(new BarredTokens(words).after(0)).toEqual({})
})
