import { plain } from './decimals.ts'
import { holds, type Spend } from './language.ts'
import type { Shape } from './shape.ts'

export type Scalar = string | number | boolean | null

export type Literal = Extract<Shape, { kind: 'literal' }>

const values = new WeakMap<Literal, Scalar>()

/** Read once: each of a list is compared with each of another. */
export function scalarOf(literal: Literal): Scalar {
  const known = values.get(literal)
  if (known !== undefined) return known
  const value = JSON.parse(literal.json) as Scalar
  values.set(literal, value)
  return value
}

/** Whether a value that holds no others has a shape of one kind; nothing where that cannot be said. */
export function holdsScalar(shape: Shape, value: Scalar, spend: Spend): boolean | undefined {
  if (typeof value === 'string' && shape.kind !== 'literal') spend(value.length)
  switch (shape.kind) {
    case 'any':
      return true
    case 'literal':
      return scalarOf(shape) === value
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
    case 'text':
      return typeof value === 'string' && holdsText(shape, value)
    case 'number':
    case 'integer':
    case 'decimal':
      return typeof value === 'number' ? holdsNumber(shape, value) : false
    case 'array':
    case 'never':
    case 'object':
      return false
    case 'choice':
    case 'ref':
      return undefined
  }
}

function holdsText(shape: Extract<Shape, { kind: 'string' | 'text' }>, value: string): boolean {
  if (shape.kind === 'text') return holds(shape.texts, value)
  const length = Array.from(value).length
  return length >= shape.min && length <= (shape.max ?? Infinity)
}

function holdsNumber(
  shape: Extract<Shape, { kind: 'number' | 'integer' | 'decimal' }>,
  value: number,
): boolean | undefined {
  if (shape.kind === 'number') return true
  if (shape.kind === 'integer')
    return (
      Number.isInteger(value) &&
      value >= (shape.min ?? -Infinity) &&
      value <= (shape.max ?? Infinity)
    )
  const text = plain(value === 0 ? 0 : value)
  // With more digits than are ever written, nothing can be read from its not being there.
  if (text === undefined || text.replace(/^-?0?\.?|\./g, '').length > 15) return undefined
  return holds(shape.texts, text)
}
