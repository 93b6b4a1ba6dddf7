import { RegExpParser, type AST } from '@eslint-community/regexpp'
import { DIGITS, inverted, NOT_LINE_ENDS, ofProperty, possible, SPACE, WORD } from './characters.ts'
import { explore, type Language, type Range, type Spend } from './language.ts'
import { BadSchema } from './shape.ts'

const MAX_CHARS = 1000
/** What reading the tables of Unicode for one property is worth. */
const PROPERTY_UNITS = 25_000

interface Node {
  /** By these characters to there. */
  steps: readonly { ranges: readonly Range[]; to: number }[]
  /** To there without a character; at the start or the end of the text only, where it says so. */
  leaps: { to: number; only: 'start' | 'end' | null }[]
}

const parser = new RegExpParser({ ecmaVersion: 2025 })

/**
 * The texts in which a pattern is found, as JSON schema has it: anywhere in them, unless it is anchored. Its syntax is
 * ECMAScript's with the flag `u`. By Thompson's construction and the subset construction (Aho, Sethi, Ullman: Compilers,
 * section 3.7). Throws a `BadSchema` at `path` for what no automaton can hold, and by its name.
 */
export function languageOf(pattern: string, path: readonly string[], spend: Spend): Language {
  return determined(new Builder(path, spend).build(parsed(pattern, path, spend)), spend)
}

function parsed(pattern: string, path: readonly string[], spend: Spend): AST.Pattern {
  if (pattern.length > MAX_CHARS)
    throw new BadSchema(path, `A pattern has at most ${MAX_CHARS} characters.`)
  spend(pattern.length)
  try {
    return parser.parsePattern(pattern, 0, pattern.length, { unicode: true })
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new BadSchema(path, `It is no regular expression of ECMAScript with the flag u${why}.`)
  }
}

class Builder {
  readonly nodes: Node[] = []
  readonly #path: readonly string[]
  readonly #spend: Spend

  constructor(path: readonly string[], spend: Spend) {
    this.#path = path
    this.#spend = spend
  }

  /** Node 0 is the end of the match, after which anything may come; the last one is the start. */
  build({ alternatives }: AST.Pattern): Node[] {
    const anything = possible([[0, 0x10ffff]])
    this.#add({ steps: [{ ranges: anything, to: 0 }], leaps: [] })
    const match = this.#any(alternatives, 0)
    const start = this.nodes.length
    this.#add({
      steps: [{ ranges: anything, to: start }],
      leaps: [{ to: match, only: null }],
    })
    return this.nodes
  }

  #add(node: Node): number {
    this.#spend(1 + node.leaps.length)
    return this.nodes.push(node) - 1
  }

  #leap(...to: number[]): number {
    return this.#add({ steps: [], leaps: to.map((each) => ({ to: each, only: null })) })
  }

  #any(alternatives: readonly AST.Alternative[], next: number): number {
    const ways = alternatives.map(({ elements }) =>
      elements.reduceRight((after, element) => this.#element(element, after), next),
    )
    return ways.length === 1 && ways[0] !== undefined ? ways[0] : this.#leap(...ways)
  }

  #element(element: AST.Element | AST.QuantifiableElement, next: number): number {
    // Some make no node, and may be asked for as often as a stranger likes.
    this.#spend(1)
    switch (element.type) {
      case 'Character':
        return this.#step([[element.value, element.value]], next)
      case 'CharacterSet':
        return this.#step(this.#set(element), next)
      case 'CharacterClass': {
        const ranges = element.elements.flatMap((each) => this.#member(each))
        return this.#step(element.negate ? inverted(ranges) : ranges, next)
      }
      case 'Group':
        if (element.modifiers) throw this.#refused('modifiers', 'Write both cases out.')
        return this.#any(element.alternatives, next)
      case 'CapturingGroup':
        return this.#any(element.alternatives, next)
      case 'Quantifier':
        return this.#repeated(element, next)
      case 'Assertion':
        return this.#assertion(element, next)
      case 'Backreference':
        throw this.#refused('backreferences', 'Write the possible texts out.')
      case 'ExpressionCharacterClass':
        throw this.#refused('set operations', 'Write the characters out.')
    }
  }

  #assertion(element: AST.Assertion, next: number): number {
    if (element.kind === 'start' || element.kind === 'end')
      return this.#add({ steps: [], leaps: [{ to: next, only: element.kind }] })
    if (element.kind === 'word')
      throw this.#refused(element.negate ? '\\B' : '\\b', 'Write the characters beside it out.')
    throw this.#refused(element.kind, 'Write what may come as alternatives.')
  }

  #repeated({ element, min, max }: AST.Quantifier, next: number): number {
    let at = next
    if (max === Infinity) {
      at = this.#leap(next)
      this.nodes[at]?.leaps.push({ to: this.#element(element, at), only: null })
    } else
      // Each of them may be the last: from any it is one leap to the end.
      for (let i = min; i < max; i++) at = this.#leap(this.#element(element, at), next)
    for (let i = 0; i < min; i++) {
      const before = this.#element(element, at)
      // It is empty, and so is it any number of times.
      if (before === at) break
      at = before
    }
    return at
  }

  #step(ranges: readonly Range[], next: number): number {
    this.#spend(ranges.length)
    return this.#add({ steps: [{ ranges: possible(ranges), to: next }], leaps: [] })
  }

  #member(each: AST.CharacterClassElement): readonly Range[] {
    if (each.type === 'Character') return [[each.value, each.value]]
    if (each.type === 'CharacterClassRange') return [[each.min.value, each.max.value]]
    if (each.type === 'CharacterSet') return this.#set(each)
    throw this.#refused('set operations', 'Write the characters out.')
  }

  #set(set: AST.CharacterSet): readonly Range[] {
    if (set.kind === 'any') return NOT_LINE_ENDS
    if (set.kind === 'property') {
      this.#spend(PROPERTY_UNITS)
      return ofProperty(set.raw)
    }
    const ranges = { digit: DIGITS, space: SPACE, word: WORD }[set.kind]
    return set.negate ? inverted(ranges) : ranges
  }

  #refused(what: string, remedy: string): BadSchema {
    return new BadSchema(this.#path, `A pattern with ${what} is not supported. ${remedy}`)
  }
}

/** Where the automaton of leaps may be at once. At the start it may still leap over a `^`. */
interface Place {
  nodes: readonly number[]
  ends: boolean
}

function determined(nodes: readonly Node[], spend: Spend): Language {
  const closure = (from: Iterable<number>, atStart: boolean, atEnd: boolean): Set<number> => {
    const found = new Set(from)
    for (const at of found) {
      const leaps = nodes[at]?.leaps ?? []
      spend(Math.max(1, leaps.length))
      for (const { to, only } of leaps)
        if (only === null || (only === 'start' ? atStart : atEnd)) found.add(to)
    }
    return found
  }
  const place = (from: Iterable<number>, atStart: boolean): Place => {
    const open = closure(from, atStart, false)
    // It was found: whatever follows, it stays so.
    if (open.has(0)) return { nodes: [0], ends: true }
    const steady = [...open].filter((at) => (nodes[at]?.steps.length ?? 0) > 0)
    // What follows a $ has no characters to go by, and counts for the end alone.
    return {
      nodes: steady.toSorted((a, b) => a - b),
      ends: closure(open, atStart, true).has(0),
    }
  }
  const step = ({ nodes: here }: Place) => {
    const starts: [at: number, to: number][] = []
    const stops: [at: number, to: number][] = []
    for (const at of here)
      for (const { ranges, to } of nodes[at]?.steps ?? [])
        for (const [first, last] of ranges) {
          starts.push([first, to])
          stops.push([last + 1, to])
        }
    return swept(starts, stops, spend).map(
      ([from, to, next]) => [from, to, place(next, false)] as const,
    )
  }
  return explore(
    place([nodes.length - 1], true),
    {
      keyOf: ({ nodes: here, ends }) => `${here.join()}${ends ? '$' : ''}`,
      edgesOf: step,
      accepts: ({ ends }) => ends,
    },
    spend,
  )
}

/** Of ranges that lie over each other: the pieces, and where each of them leads. */
function swept(
  starts: readonly [at: number, to: number][],
  stops: readonly [at: number, to: number][],
  spend: Spend,
): (readonly [from: number, to: number, next: number[]])[] {
  spend(starts.length)
  const begin = starts.toSorted((a, b) => a[0] - b[0])
  const end = stops.toSorted((a, b) => a[0] - b[0])
  const points = [...new Set([...begin, ...end].map(([at]) => at))].toSorted((a, b) => a - b)
  const open = new Map<number, number>()
  const count = (to: number, by: number): void => {
    const now = (open.get(to) ?? 0) + by
    if (now === 0) open.delete(to)
    else open.set(to, now)
  }
  let [b, e] = [0, 0]
  return points.flatMap((from, i) => {
    for (; end[e]?.[0] === from; e++) count(end[e]?.[1] ?? 0, -1)
    for (; begin[b]?.[0] === from; b++) count(begin[b]?.[1] ?? 0, 1)
    spend(open.size)
    const next = points[i + 1]
    return next === undefined || open.size === 0
      ? []
      : [[from, next - 1, [...open.keys()]] as const]
  })
}
