import { digitsOfShape, isNumber, memberOf, textsOfShape, type Workshop } from './both.ts'
import { holdsScalar, scalarOf } from './holds-value.ts'
import { intersect, isEmpty } from './language.ts'
import type { ArrayShape, ObjectShape, Shape } from './shape.ts'

/** How many names deep a difference is looked for. */
const DEPTH = 8
const LARGE = 1e15

/** Whether surely no value has both shapes. */
export function areApart(a: Shape, b: Shape, shop: Workshop, depth = DEPTH): boolean {
  shop.spend(1)
  if (a.kind === 'never' || b.kind === 'never') return true
  if (a.kind === 'ref') return depth > 0 && areApart(shop.resolve(a.to), b, shop, depth - 1)
  if (b.kind === 'ref') return depth > 0 && areApart(a, shop.resolve(b.to), shop, depth - 1)
  if (a.kind === 'any' || b.kind === 'any') return false
  if (a.kind === 'choice') return a.of.every((each) => areApart(each, b, shop, depth))
  if (b.kind === 'choice') return b.of.every((each) => areApart(a, each, shop, depth))
  if (sortOf(a) !== sortOf(b)) return true
  // What a format leaves out may be in the other.
  if (a.loose || b.loose) return false
  if (a.kind === 'literal') return holdsScalar(b, scalarOf(a), shop.spend) === false
  if (b.kind === 'literal') return holdsScalar(a, scalarOf(b), shop.spend) === false
  if (a.kind === 'array' && b.kind === 'array') return arraysApart(a, b, shop, depth)
  if (a.kind === 'object' && b.kind === 'object') return objectsApart(a, b, shop, depth)
  if (isNumber(a) && isNumber(b)) return numbersApart(a, b, shop)
  const [texts, others] = [textsOfShape(a, shop.spend), textsOfShape(b, shop.spend)]
  return Boolean(texts && others && isEmpty(intersect(texts, others, shop.spend)))
}

/** Values of different sorts are different. */
export function sortOf(shape: Shape): string {
  if (shape.kind === 'literal') {
    const value = scalarOf(shape)
    return value === null ? 'null' : typeof value
  }
  if (isNumber(shape)) return 'number'
  return shape.kind === 'text' ? 'string' : shape.kind
}

type Numbers = Parameters<typeof digitsOfShape>[0]

function numbersApart(a: Numbers, b: Numbers, { spend }: Workshop): boolean {
  if (a.kind === 'integer' && b.kind === 'integer')
    return (a.max ?? Infinity) < (b.min ?? -Infinity) || (b.max ?? Infinity) < (a.min ?? -Infinity)
  if (isLarge(a) || isLarge(b)) return false
  return isEmpty(intersect(digitsOfShape(a, spend), digitsOfShape(b, spend), spend))
}

/** Whether it may be a whole number with more digits than decimals are written with. */
export const isLarge = (shape: Numbers): boolean =>
  shape.kind === 'integer' && [shape.min, shape.max].some((bound) => Math.abs(bound ?? 0) >= LARGE)

function arraysApart(a: ArrayShape, b: ArrayShape, shop: Workshop, depth: number): boolean {
  if (a.min > (b.max ?? Infinity) || b.min > (a.max ?? Infinity)) return true
  const places = Math.min(Math.max(a.min, b.min), Math.max(a.first.length, b.first.length, 1))
  return Array.from({ length: places }, (_, i) => i).some((i) =>
    areApart(a.first[i] ?? a.items, b.first[i] ?? b.items, shop, depth),
  )
}

/** They are where a member that one must have is another thing in the other. */
function objectsApart(a: ObjectShape, b: ObjectShape, shop: Workshop, depth: number): boolean {
  const musts = [...a.members, ...b.members].filter(({ required }) => required)
  return musts.some(({ name }) => {
    shop.spend(name.length)
    return areApart(memberOf(a, name).shape, memberOf(b, name).shape, shop, depth)
  })
}
