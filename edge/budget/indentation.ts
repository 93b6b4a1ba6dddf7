/** Templates write JSON with as much before each level, or with less. */
const INDENT = 4
/** A value stands so deep in what a template writes: in a function, of a tool, of a list, of a message. */
const DEPTH = 6
/** No number has more digits when it is written anew: `1e20` is one and twenty zeros. */
const NUMBER_BYTES = 25

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])
/** Digits, signs, points, and the `e` of an exponent. */
const NUMERAL = new Set(Array.from('0123456789+-.eE', (char) => char.charCodeAt(0)))

/**
 * How many bytes a JSON text grows by at most when a template writes it anew, indented. Counted in one walk: what is nested a
 * hundred thousand deep has gigabytes of spaces, which nobody may have to make to know that.
 */
export function indentationOf(json: string): number {
  let depth = DEPTH
  let bytes = 0
  let inNumber = false
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at)
    const isNumeral = NUMERAL.has(char)
    if (isNumeral && !inNumber) bytes += NUMBER_BYTES
    inNumber = isNumeral
    if (char === QUOTE) at = endOfString(json, at)
    else if (char === COLON) bytes += 1
    else if (char === COMMA) bytes += 1 + INDENT * depth
    else if (OPENING.has(char)) bytes += 1 + INDENT * ++depth
    else if (CLOSING.has(char)) bytes += 1 + INDENT * Math.max(0, --depth)
  }
  return bytes
}

function endOfString(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json.charCodeAt(at) !== QUOTE)
    at += json.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
