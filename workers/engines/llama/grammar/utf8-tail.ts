/**
 * Where in a character a text ends: 0 at its end, otherwise a row of `NEXT`. llama.cpp's grammars take any byte for the
 * second of a character, and so a quotation mark too; whoever decodes the text then finds the string's end where it was
 * none.
 */
export type Tail = number

/** Of each tail: the bytes that may come, and the tail after them. Unicode, table 3-7. */
const NEXT: readonly (readonly [from: number, to: number, tail: Tail])[][] = [
  [
    [0x00, 0x7f, 0],
    [0xc2, 0xdf, 1],
    [0xe0, 0xe0, 4],
    [0xe1, 0xec, 2],
    [0xed, 0xed, 5],
    [0xee, 0xef, 2],
    [0xf0, 0xf0, 6],
    [0xf1, 0xf3, 3],
    [0xf4, 0xf4, 7],
  ],
  [[0x80, 0xbf, 0]],
  [[0x80, 0xbf, 1]],
  [[0x80, 0xbf, 2]],
  [[0xa0, 0xbf, 1]],
  [[0x80, 0x9f, 1]],
  [[0x90, 0xbf, 2]],
  [[0x80, 0x8f, 2]],
]

/** The tail after a piece more, and nothing where the piece breaks a character. */
export function tailAfter(tail: Tail, piece: Uint8Array): Tail | undefined {
  let at: Tail | undefined = tail
  for (const byte of piece) {
    at = NEXT[at]?.find(([from, to]) => byte >= from && byte <= to)?.[2]
    if (at === undefined) return undefined
  }
  return at
}
