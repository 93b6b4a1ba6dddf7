/** A part of a grammar, as far as ours use GBNF. */
type Part =
  | { kind: 'text'; text: string }
  | { kind: 'class'; isNot: boolean; ranges: (readonly [from: number, to: number])[] }
  | { kind: 'rule'; name: string }
  | { kind: 'any'; of: Part[] }
  | { kind: 'all'; of: Part[] }
  | { kind: 'times'; part: Part; min: number; max: number }

/** How much longer than it must an answer may become. */
const MOST = 3

/** A text of a grammar, found by going through it at random: `draw` gives a whole number below its argument. */
export function walk(gbnf: string, draw: (below: number) => number): string {
  const rules = parse(gbnf)
  const least = leastOf(rules)
  let left = 400
  const go = (part: Part): string => {
    left--
    switch (part.kind) {
      case 'text':
        return part.text
      case 'class':
        return fromClass(part, draw)
      case 'rule':
        return go(rules.get(part.name) ?? fail(`no rule ${part.name}`))
      case 'all':
        return part.of.map(go).join('')
      case 'times': {
        const more = left > 0 ? Math.min(part.max - part.min, draw(MOST + 1)) : 0
        return Array.from({ length: part.min + more }, () => go(part.part)).join('')
      }
      case 'any': {
        const shortest = part.of.toSorted((a, b) => least(a) - least(b))[0]
        return go((left > 0 ? part.of[draw(part.of.length)] : shortest) ?? fail('no way'))
      }
    }
  }
  return go({ kind: 'rule', name: 'root' })
}

function fail(why: string): never {
  throw new Error(`The grammar cannot be walked: ${why}.`)
}

function fromClass(
  { isNot, ranges }: Extract<Part, { kind: 'class' }>,
  draw: (n: number) => number,
) {
  if (isNot) return ['a', 'Z', '0', ' ', 'ü', '👋', '/', '~'][draw(8)] ?? 'a'
  const [from, to] = ranges[draw(ranges.length)] ?? fail('an empty class')
  // The ends of a range are where mistakes are.
  const at = [from, to, from + draw(to - from + 1)][draw(3)] ?? from
  return String.fromCodePoint(at)
}

/** How many rules deep the shortest text of a part is. */
function leastOf(rules: ReadonlyMap<string, Part>): (part: Part) => number {
  const known = new Map<string, number>()
  const least = (part: Part): number => {
    if (part.kind === 'rule') return (known.get(part.name) ?? Infinity) + 1
    if (part.kind === 'all') return Math.max(0, ...part.of.map(least))
    if (part.kind === 'any') return Math.min(...part.of.map(least))
    if (part.kind === 'times') return part.min === 0 ? 0 : least(part.part)
    return 0
  }
  for (let changed = true; changed;) {
    changed = false
    for (const [name, part] of rules) {
      const now = least(part)
      if (now >= (known.get(name) ?? Infinity)) continue
      known.set(name, now)
      changed = true
    }
  }
  return least
}

function parse(gbnf: string): Map<string, Part> {
  const lines = gbnf.split('\n').filter((line) => line.includes('::='))
  return new Map(
    lines.map((line) => {
      const at = line.indexOf('::=')
      const reader = new Reader(line.slice(at + 3))
      return [line.slice(0, at).trim(), reader.alternatives()]
    }),
  )
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  alternatives(): Part {
    const of = [this.#sequence()]
    while (this.#take('|')) of.push(this.#sequence())
    return { kind: 'any', of }
  }

  #sequence(): Part {
    const of: Part[] = []
    for (;;) {
      this.#take(/ */y)
      const part = this.#part()
      if (!part) return { kind: 'all', of }
      of.push(this.#repeated(part))
    }
  }

  #part(): Part | undefined {
    if (this.#take('(')) {
      const inner = this.alternatives()
      if (!this.#take(')')) fail('a bracket is open')
      return inner
    }
    const string = this.#take(/"((?:[^"\\]|\\.)*)"/y)
    if (string) return { kind: 'text', text: codesOf(string.slice(1, -1)).map(textOf).join('') }
    const set = this.#take(/\[(?:[^\]\\]|\\.)*\]/y)
    if (set) return classOf(set.slice(1, -1))
    const name = this.#take(/[a-z][a-z0-9-]*/y)
    return name === undefined ? undefined : { kind: 'rule', name }
  }

  #repeated(part: Part): Part {
    const sign = this.#take(/[*+?]|\{\d*,?\d*\}/y)
    if (sign === undefined) return part
    const [, low, comma, high] = /^\{(\d*)(,?)(\d*)\}$/.exec(sign) ?? []
    const bounds: Record<string, [number, number]> = {
      '*': [0, Infinity],
      '+': [1, Infinity],
      '?': [0, 1],
    }
    const [min, max] = bounds[sign] ?? [
      Number(low),
      comma === '' ? Number(low) : high === '' ? Infinity : Number(high),
    ]
    return { kind: 'times', part, min, max }
  }

  #take(what: string | RegExp): string | undefined {
    const found =
      typeof what === 'string'
        ? this.#text.startsWith(what, this.#at)
          ? what
          : undefined
        : this.#match(what)
    this.#at += found?.length ?? 0
    return found
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0]
  }
}

const textOf = (code: number): string => String.fromCodePoint(code)

const HEX: Record<string, number> = { x: 2, u: 4, U: 8 }

function codesOf(text: string): number[] {
  const pieces = text.match(/\\x..|\\u....|\\U.{8}|\\.|[^\\]/gsu) ?? []
  return pieces.map((piece) => {
    const letter = piece[1] ?? ''
    if (!piece.startsWith('\\')) return piece.codePointAt(0) ?? 0
    if (HEX[letter]) return Number.parseInt(piece.slice(2), 16)
    return { n: 10, r: 13, t: 9 }[letter] ?? letter.charCodeAt(0)
  })
}

function classOf(text: string): Part {
  const isNot = text.startsWith('^')
  const pieces = (isNot ? text.slice(1) : text).match(/\\x..|\\u....|\\U.{8}|\\.|[^\\]/gsu) ?? []
  const ranges: (readonly [number, number])[] = []
  for (let i = 0; i < pieces.length; i++) {
    const [from = 0] = codesOf(pieces[i] ?? '')
    const isSpan = pieces[i + 1] === '-' && i + 2 < pieces.length
    const [to = 0] = isSpan ? codesOf(pieces[i + 2] ?? '') : [from]
    ranges.push([from, to])
    if (isSpan) i += 2
  }
  return { kind: 'class', isNot, ranges }
}
