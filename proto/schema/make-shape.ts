import { ALL_TEXTS } from './language.ts'
import type { ArrayShape, Member, ObjectShape, Others, Shape, Shapes } from './shape.ts'

export const ANY: Shape = { kind: 'any' }
export const NEVER: Shape = { kind: 'never' }
export const STRING: Shape = { kind: 'string', min: 0, max: null }

/** One of several. Without those that no value has. */
export function choice(shapes: readonly Shape[]): Shape {
  const flat = shapes.flatMap((shape) => (shape.kind === 'choice' ? shape.of : [shape]))
  const some = flat.filter(({ kind }) => kind !== 'never')
  if (some.length === 0) return NEVER
  return some.length === 1 && some[0] ? some[0] : { kind: 'choice', of: some }
}

/** An array; one that can have no item of its own ends before it, and one that must have more is none. */
export function array({ first, items, min, max }: Omit<ArrayShape, 'kind'>): Shape {
  const firstNever = first.findIndex(({ kind }) => kind === 'never')
  const end = firstNever >= 0 ? firstNever : items.kind === 'never' ? first.length : Infinity
  const most = Math.min(max ?? Infinity, end)
  if (min > most) return NEVER
  const kept = first.slice(0, most)
  return { kind: 'array', first: kept, items, min, max: most === Infinity ? null : most }
}

/** An object. A member that no value can have is left out, and its name is nobody's. */
export function object(
  members: readonly Member[],
  others: readonly Others[],
  min: number,
  max: number | null,
): Shape {
  if (members.some(({ shape, required }) => required && shape.kind === 'never')) return NEVER
  const musts = members.filter(({ required }) => required).length
  const open = others.filter(({ shape }) => shape.kind !== 'never')
  const possible = members.filter(({ shape }) => shape.kind !== 'never').length
  const most = open.length > 0 ? Infinity : possible
  if (musts > (max ?? Infinity) || min > Math.min(most, max ?? Infinity)) return NEVER
  return {
    kind: 'object',
    members,
    others: open,
    min: min > musts ? min : 0,
    max: max === null || max >= most ? null : max,
  }
}

/** A value as the one that has its shape. */
export function exactly(value: unknown): Shape {
  if (Array.isArray(value)) {
    const first = value.map(exactly)
    return { kind: 'array', first, items: NEVER, min: first.length, max: first.length }
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, each]): Member => {
      return { name, shape: exactly(each), required: true }
    })
    return { kind: 'object', members, others: [], min: 0, max: null }
  }
  return { kind: 'literal', json: JSON.stringify(value) }
}

export const anyOther = (asked: boolean): Others => ({ names: ALL_TEXTS, shape: ANY, asked })

export const ANY_MAP: ObjectShape = {
  kind: 'object',
  members: [],
  others: [anyOther(false)],
  min: 0,
  max: null,
}

export const ANY_ARRAY: ArrayShape = { kind: 'array', first: [], items: ANY, min: 0, max: null }

/** Any value, kind by kind. */
export const EVERYTHING: readonly Shape[] = [
  STRING,
  { kind: 'number' },
  { kind: 'boolean' },
  { kind: 'null' },
  ANY_ARRAY,
  ANY_MAP,
]

/** Any JSON object: what `json_object` asks for. */
export const ANY_OBJECT: Shapes = { root: ANY_MAP, named: new Map() }
