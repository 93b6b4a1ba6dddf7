/** Code points from one to another, both among them. */
export type Range = readonly [from: number, to: number]
export type Edge = readonly [from: number, to: number, state: number]

export interface State {
  accepts: boolean
  /** In order, and none over another. A character that has no edge ends in nothing. */
  edges: readonly Edge[]
}

/**
 * A set of texts as a deterministic automaton over code points: state 0 is the start, and from every other state a text
 * can still end well. So sets can be cut, joined and compared exactly, and written as a grammar that never gets stuck.
 */
export interface Language {
  states: readonly State[]
}

/** Told of all work before it is done; throws where it becomes too much. */
export type Spend = (units: number) => void

const MAX_STATES = 4096

/** What JSON may hold in a string as we write it: no control characters but those with an escape of one letter. */
export const CHARACTERS: readonly Range[] = [
  [0x08, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x7e],
  [0x80, 0xd7ff],
  [0xe000, 0x10ffff],
]

export const ALL_TEXTS: Language = {
  states: [{ accepts: true, edges: CHARACTERS.map(([from, to]) => [from, to, 0]) }],
}

/** The automaton that is found by walking from `start`; whatever `keyOf` calls the same is the same state. */
export function explore<K>(
  start: K,
  walk: {
    keyOf: (at: K) => string
    edgesOf: (at: K) => readonly (readonly [from: number, to: number, next: K])[]
    accepts: (at: K) => boolean
  },
  spend: Spend,
): Language {
  const ids = new Map<string, number>()
  const found: K[] = []
  const idOf = (at: K): number => {
    const key = walk.keyOf(at)
    const known = ids.get(key)
    if (known !== undefined) return known
    spend(found.length < MAX_STATES ? 1 : Infinity)
    ids.set(key, found.length)
    return found.push(at) - 1
  }
  idOf(start)
  const states: State[] = []
  for (let i = 0; i < found.length; i++) {
    const at = found[i] as K
    const next = walk.edgesOf(at)
    spend(next.length)
    const edges = next.map(([from, to, there]): Edge => [from, to, idOf(there)])
    states.push({ accepts: walk.accepts(at), edges: joined(edges) })
  }
  return trimmed(states)
}

/** Neighbours that lead to the same state become one edge. */
function joined(edges: readonly Edge[]): Edge[] {
  const out: Edge[] = []
  for (const [from, to, state] of edges.toSorted((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last && last[2] === state && last[1] + 1 === from)
      out[out.length - 1] = [last[0], to, state]
    else out.push([from, to, state])
  }
  return out
}

/** Without the states from which no text ends. */
function trimmed(states: readonly State[]): Language {
  const into = states.map((): number[] => [])
  for (const [i, { edges }] of states.entries()) for (const [, , to] of edges) into[to]?.push(i)
  const live = new Set<number>()
  const queue = states.flatMap(({ accepts }, i) => (accepts ? [i] : []))
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (live.has(at)) continue
    live.add(at)
    queue.push(...(into[at] ?? []))
  }
  const names = new Map<number, number>([[0, 0]])
  for (const i of states.keys()) if (live.has(i) && i > 0) names.set(i, names.size)
  const kept = [...names.keys()].map((i): State => {
    const { accepts = false, edges = [] } = states[i] ?? {}
    const living = edges.flatMap(([from, to, state]): Edge[] => {
      const name = live.has(state) ? names.get(state) : undefined
      return name === undefined ? [] : [[from, to, name]]
    })
    return { accepts, edges: living }
  })
  return { states: kept }
}

export const isEmpty = ({ states: [start] }: Language): boolean =>
  !start || (!start.accepts && start.edges.length === 0)

export function holds({ states }: Language, text: string): boolean {
  let at = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const edge = states[at]?.edges.find(([from, to]) => from <= code && code <= to)
    if (!edge) return false
    at = edge[2]
  }
  return states[at]?.accepts ?? false
}

/** Nowhere: the text has left the language. */
const OUT = -1
type Pair = readonly [left: number, right: number]

export const intersect = (a: Language, b: Language, spend: Spend): Language =>
  product(a, b, { accepts: (left, right) => left && right, left: true, right: true }, spend)

export const subtract = (a: Language, b: Language, spend: Spend): Language =>
  product(a, b, { accepts: (left, right) => left && !right, left: true, right: false }, spend)

export const unite = (a: Language, b: Language, spend: Spend): Language =>
  product(a, b, { accepts: (left, right) => left || right, left: false, right: false }, spend)

/** Both at once. `left` and `right` say in which of them a text must stay. */
function product(
  a: Language,
  b: Language,
  how: { accepts: (left: boolean, right: boolean) => boolean; left: boolean; right: boolean },
  spend: Spend,
): Language {
  const edgesOf = ([left, right]: Pair) => {
    const [some, others] = [a.states[left]?.edges ?? [], b.states[right]?.edges ?? []]
    spend(some.length + others.length)
    return overlaid(some, others).filter(
      ([, , [l, r]]) => !(how.left && l === OUT) && !(how.right && r === OUT),
    )
  }
  return explore<Pair>(
    [0, 0],
    {
      keyOf: ([left, right]) => `${left},${right}`,
      edgesOf,
      accepts: ([left, right]) =>
        how.accepts(a.states[left]?.accepts ?? false, b.states[right]?.accepts ?? false),
    },
    spend,
  )
}

/** Two rows of edges, cut so that each piece lies on at most one edge of either. */
function overlaid(
  left: readonly Edge[],
  right: readonly Edge[],
): (readonly [from: number, to: number, next: Pair])[] {
  const cuts = [...left, ...right].flatMap(([from, to]) => [from, to + 1])
  const points = [...new Set(cuts)].toSorted((a, b) => a - b)
  let [l, r] = [0, 0]
  return points.slice(0, -1).flatMap((from, i) => {
    const to = (points[i + 1] ?? from) - 1
    while ((left[l]?.[1] ?? Infinity) < from) l++
    while ((right[r]?.[1] ?? Infinity) < from) r++
    const there = (edge: Edge | undefined): number => (edge && edge[0] <= from ? edge[2] : OUT)
    const next: Pair = [there(left[l]), there(right[r])]
    return next[0] === OUT && next[1] === OUT ? [] : [[from, to, next] as const]
  })
}

/** Those of its texts that have so many code points. */
export function ofLength(
  { states }: Language,
  min: number,
  max: number | null,
  spend: Spend,
): Language {
  const most = max ?? min
  return explore<Pair>(
    [0, 0],
    {
      keyOf: ([at, length]) => `${at},${length}`,
      edgesOf: ([at, length]) =>
        max !== null && length === max
          ? []
          : (states[at]?.edges ?? []).map(
              ([from, to, next]) => [from, to, [next, Math.min(length + 1, most)]] as const,
            ),
      accepts: ([at, length]) => length >= min && (states[at]?.accepts ?? false),
    },
    spend,
  )
}

interface Begun {
  ends: boolean
  more: Map<string, Begun>
}

/** The texts of a list, and no others. */
export function textsOf(texts: readonly string[], spend: Spend): Language {
  spend(texts.reduce((sum, { length }) => sum + length, 0) < MAX_STATES ? 1 : Infinity)
  const names = new Map<Begun, string>()
  const begun = (): Begun => {
    const at = { ends: false, more: new Map<string, Begun>() }
    names.set(at, String(names.size))
    return at
  }
  const start = begun()
  for (const text of texts) {
    let at = start
    for (const char of text) {
      const next = at.more.get(char) ?? begun()
      at.more.set(char, next)
      at = next
    }
    at.ends = true
  }
  return explore(
    start,
    {
      keyOf: (at) => names.get(at) ?? '',
      edgesOf: ({ more }) =>
        Array.from(more, ([char, next]) => {
          const code = char.codePointAt(0) ?? 0
          return [code, code, next] as const
        }),
      accepts: ({ ends }) => ends,
    },
    spend,
  )
}
