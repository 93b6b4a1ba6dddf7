import { CHARACTERS, type Range } from './language.ts'

const LAST = 0x10ffff

/** What `\d`, `\w`, `\s` and `.` stand for in ECMAScript (ECMA-262, 22.2.2). */
export const DIGITS: readonly Range[] = [[0x30, 0x39]]
export const WORD: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
export const SPACE: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

/** In order, and none over another. */
export function merged(ranges: readonly Range[]): Range[] {
  const out: Range[] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last && from <= last[1] + 1) out[out.length - 1] = [last[0], Math.max(last[1], to)]
    else out.push([from, to])
  }
  return out
}

export function inverted(ranges: readonly Range[]): Range[] {
  const out: Range[] = []
  let from = 0
  for (const [start, end] of merged(ranges)) {
    if (start > from) out.push([from, start - 1])
    from = end + 1
  }
  if (from <= LAST) out.push([from, LAST])
  return out
}

/** Only what an answer may hold. */
export const possible = (ranges: readonly Range[]): Range[] =>
  merged(ranges).flatMap(([from, to]) =>
    CHARACTERS.flatMap(([first, last]): Range[] =>
      from <= last && first <= to ? [[Math.max(from, first), Math.min(to, last)]] : [],
    ),
  )

export const NOT_LINE_ENDS = inverted(LINE_ENDS)

let everything: string | undefined
const properties = new Map<string, readonly Range[]>()
const MAX_KEPT = 64

/** What `\p{…}` stands for, as the engine that we run on knows Unicode. `escape` is the whole escape, as it was parsed. */
export function ofProperty(escape: string): readonly Range[] {
  const known = properties.get(escape)
  if (known) return known
  everything ??= CHARACTERS.map(([from, to]) => textFrom(from, to)).join('')
  const ranges = Array.from(
    everything.matchAll(new RegExp(`${escape}+`, 'gu')),
    ([run]): Range[] => {
      const from = run.codePointAt(0) ?? 0
      // A run may go over a gap between what is possible.
      return possible([[from, lastOf(run)]])
    },
  ).flat()
  if (properties.size < MAX_KEPT) properties.set(escape, ranges)
  return ranges
}

function textFrom(from: number, to: number): string {
  let text = ''
  for (let at = from; at <= to; at += 0x1000) {
    const size = Math.min(0x1000, to - at + 1)
    text += String.fromCodePoint(...Array.from({ length: size }, (_, i) => at + i))
  }
  return text
}

/** The last character, which may be two units. */
function lastOf(run: string): number {
  const isPair = /[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(run)
  return run.codePointAt(run.length - (isPair ? 2 : 1)) ?? 0
}
