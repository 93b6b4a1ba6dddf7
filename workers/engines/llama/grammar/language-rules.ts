import type { Edge, Language } from '../../../../proto/schema/language.ts'

/** What JSON writes for these in a string. */
const ESCAPES = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
])

/**
 * The rules of an automaton, one for each of its states, `<name>` the first. Each ends with its next state, so that a
 * parser's stack does not grow with the text. `close` comes after a text that is in the language.
 */
export function rulesOf(name: string, { states }: Language, kind: 'string' | 'digits'): string[] {
  const close = kind === 'string' ? '"\\""' : '""'
  const nameOf = (state: number): string => (state === 0 ? name : `${name}-${state}`)
  return states.map(({ accepts, edges }, i) => {
    const targets = [...new Set(edges.map(([, , to]) => to))]
    const ways = targets.map((to) => {
      const through = edges.filter((edge) => edge[2] === to)
      return `${kind === 'string' ? written(through) : `[${through.map(span).join('')}]`} ${nameOf(to)}`
    })
    return `${nameOf(i)} ::= ${[...ways, ...(accepts ? [close] : [])].join(' | ')}`
  })
}

/** Characters as JSON has them in a string. */
function written(edges: readonly Edge[]): string {
  const plain = edges.flatMap(withoutEscaped).map(span).join('')
  const letters = [...ESCAPES].filter(([code]) =>
    edges.some(([from, to]) => from <= code && code <= to),
  )
  if (letters.length === 0) return `[${plain}]`
  const escaped = `"\\\\" [${letters.map(([, letter]) => char(letter.charCodeAt(0))).join('')}]`
  return plain === '' ? escaped : `( [${plain}] | ${escaped} )`
}

function withoutEscaped([first, last, state]: Edge): Edge[] {
  const pieces: Edge[] = []
  let from = first
  for (const code of ESCAPES.keys()) {
    if (code < from || code > last) continue
    if (code > from) pieces.push([from, code - 1, state])
    from = code + 1
  }
  if (from <= last) pieces.push([from, last, state])
  return pieces
}

const span = ([from, to]: Edge): string => (from === to ? char(from) : `${char(from)}-${char(to)}`)

function char(code: number): string {
  const text = String.fromCodePoint(code)
  if (/[0-9A-Za-z]/.test(text)) return text
  const hex = code.toString(16).toUpperCase()
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x1_0000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
