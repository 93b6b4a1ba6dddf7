import { beside, decimals, within, wholes } from './decimals.ts'
import { holdsScalar, scalarOf, type Literal } from './holds-value.ts'
import {
  ALL_TEXTS,
  holds,
  intersect,
  isEmpty,
  ofLength,
  type Language,
  type Spend,
} from './language.ts'
import { array, choice, NEVER, object } from './make-shape.ts'
import {
  BadSchema,
  type ArrayShape,
  type Member,
  type ObjectShape,
  type Others,
  type Shape,
} from './shape.ts'

/** What shapes are put together in. */
export interface Workshop {
  spend: Spend
  /** What a ref points to. */
  resolve: (to: string) => Shape
  /** A name for a shape that is made later: the same key is the same shape. */
  later: (key: string, make: () => Shape) => Shape
}

/** What it is worth to put two shapes together, or two of their members. */
const UNITS = 10

/** The values that have both shapes. */
export function both(a: Shape, b: Shape, shop: Workshop): Shape {
  shop.spend(UNITS)
  if (a.kind === 'any') return b
  if (b.kind === 'any') return a
  if (a === b) return a
  if (a.kind === 'ref' || b.kind === 'ref') return ofRefs(a, b, shop)
  if (a.kind === 'choice') return choice(a.of.map((each) => both(each, b, shop)))
  if (b.kind === 'choice') return choice(b.of.map((each) => both(a, each, shop)))
  return loosely(ofKinds(a, b, shop), a, b)
}

const loosely = (shape: Shape, a: Shape, b: Shape): Shape =>
  shape.kind === 'text' && (a.loose || b.loose) ? { ...shape, loose: true } : shape

/** Of names: made when all of them are known, for they may name each other. */
function ofRefs(a: Shape, b: Shape, shop: Workshop): Shape {
  if (a.kind === 'ref' && b.kind === 'ref') {
    if (a.to === b.to) return a
    const [one = '', other = ''] = [a.to, b.to].toSorted()
    const make = (): Shape => both(shop.resolve(one), shop.resolve(other), shop)
    return shop.later(`${one} & ${other}`, make)
  }
  const [ref, shape] = a.kind === 'ref' ? [a, b] : [b, a]
  if (ref.kind !== 'ref') return NEVER
  return shop.later(`${ref.to} & ${keyOf(shape)}`, () => both(shop.resolve(ref.to), shape, shop))
}

const keys = new WeakMap<Shape, number>()
let lastKey = 0

/** A shape is what it is as an object. */
function keyOf(shape: Shape): number {
  const known = keys.get(shape) ?? ++lastKey
  keys.set(shape, known)
  return known
}

function ofKinds(a: Shape, b: Shape, shop: Workshop): Shape {
  if (a.kind === 'literal') return literalIn(a, b, shop.spend)
  if (b.kind === 'literal') return literalIn(b, a, shop.spend)
  if (a.kind === 'array' && b.kind === 'array') return ofArrays(a, b, shop)
  if (a.kind === 'object' && b.kind === 'object') return ofObjects(a, b, shop)
  if (a.kind === 'string' && b.kind === 'string') {
    const [min, max] = [Math.max(a.min, b.min), least(a.max, b.max)]
    return max !== null && max < min ? NEVER : { kind: 'string', min, max }
  }
  const texts = textsOfShape(a, shop.spend)
  const others = textsOfShape(b, shop.spend)
  if (texts && others) return ofFormats(ofTexts(intersect(texts, others, shop.spend)), a, b)
  if (isNumber(a) && isNumber(b)) return ofNumbers(a, b, shop.spend)
  return a.kind === b.kind ? a : NEVER
}

function literalIn(literal: Literal, shape: Shape, spend: Spend): Shape {
  const value = scalarOf(literal)
  const isHeld = holdsScalar(shape, value, spend)
  if (isHeld === undefined || (!isHeld && shape.loose && typeof value === 'string'))
    throw new BadSchema([], `It cannot be said whether ${literal.json} is one of its values.`)
  return isHeld ? literal : NEVER
}

/** A text that has a format and more may be one that we do not write: then there is none, and yet there may be. */
function ofFormats(shape: Shape, ...of: readonly Shape[]): Shape {
  if (shape.kind !== 'never' || !of.some(({ loose }) => loose)) return shape
  throw new BadSchema([], 'No text has its format and all else that is asked of it.')
}

export const ofTexts = (texts: Language): Shape =>
  isEmpty(texts) ? NEVER : { kind: 'text', texts }
export const ofDecimals = (texts: Language): Shape =>
  isEmpty(texts) ? NEVER : { kind: 'decimal', texts }

/** A shape of strings as the language of them. */
export function textsOfShape(shape: Shape, spend: Spend): Language | undefined {
  if (shape.kind === 'text') return shape.texts
  if (shape.kind !== 'string') return undefined
  return shape.min === 0 && shape.max === null
    ? ALL_TEXTS
    : ofLength(ALL_TEXTS, shape.min, shape.max, spend)
}

type Numbers = Extract<Shape, { kind: 'number' | 'integer' | 'decimal' }>
export const isNumber = (shape: Shape): shape is Numbers =>
  shape.kind === 'number' || shape.kind === 'integer' || shape.kind === 'decimal'

function ofNumbers(a: Numbers, b: Numbers, spend: Spend): Shape {
  if (a.kind === 'number') return b
  if (b.kind === 'number') return a
  if (a.kind === 'integer' && b.kind === 'integer') {
    const [min, max] = [most(a.min, b.min), least(a.max, b.max)]
    return min !== null && max !== null && max < min ? NEVER : { kind: 'integer', min, max }
  }
  return ofDecimals(intersect(digitsOfShape(a, spend), digitsOfShape(b, spend), spend))
}

/** A shape of numbers as the language of their digits. */
export function digitsOfShape(shape: Numbers, spend: Spend): Language {
  if (shape.kind === 'decimal') return shape.texts
  if (shape.kind === 'number') return decimals(spend)
  const { min, max } = shape
  const all = [
    wholes(spend),
    min === null ? undefined : beside('minimum', min, spend),
    max === null ? undefined : beside('maximum', max, spend),
  ]
  return (
    within(
      all.filter((each) => each !== undefined),
      spend,
    ) ?? wholes(spend)
  )
}

const least = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)
const most = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b)

function ofArrays(a: ArrayShape, b: ArrayShape, shop: Workshop): Shape {
  const length = Math.max(a.first.length, b.first.length)
  const first = Array.from({ length }, (_, i) =>
    both(a.first[i] ?? a.items, b.first[i] ?? b.items, shop),
  )
  const items = both(a.items, b.items, shop)
  return array({ first, items, min: Math.max(a.min, b.min), max: least(a.max, b.max) })
}

function ofObjects(a: ObjectShape, b: ObjectShape, shop: Workshop): Shape {
  const names = new Set([...a.members, ...b.members].map(({ name }) => name))
  shop.spend(UNITS * names.size)
  const members = Array.from(names, (name): Member => {
    shop.spend(name.length)
    const [one, other] = [memberOf(a, name), memberOf(b, name)]
    return {
      name,
      shape: both(one.shape, other.shape, shop),
      required: one.required || other.required,
    }
  })
  const others = a.others.flatMap((one) =>
    b.others.flatMap((other): Others[] => {
      const shared =
        one.names === other.names ? one.names : intersect(one.names, other.names, shop.spend)
      if (isEmpty(shared)) return []
      const asked = one.asked || other.asked
      return [{ names: shared, shape: both(one.shape, other.shape, shop), asked }]
    }),
  )
  return object(members, others, Math.max(a.min, b.min), least(a.max, b.max))
}

const byName = new WeakMap<readonly Member[], ReadonlyMap<string, Member>>()

/** Each is asked for against each of the others'. */
function named(members: readonly Member[]): ReadonlyMap<string, Member> {
  const known = byName.get(members) ?? new Map(members.map((each) => [each.name, each]))
  byName.set(members, known)
  return known
}

/** What an object asks of a name, whether or not it is one of its members. */
export function memberOf({ members, others }: ObjectShape, name: string): Omit<Member, 'name'> {
  const member = named(members).get(name)
  if (member) return member
  const other = others.find(({ names }) => holds(names, name))
  return { shape: other?.shape ?? NEVER, required: false }
}
