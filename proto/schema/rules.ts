import { BadSchema, type Shape } from './shape.ts'

/** Subschemas, members and values of one schema. */
export const MAX_WEIGHT = 2048
/** All that it counts: lengths of strings and lists together. */
export const MAX_COUNTED = 20_000
/** What may come next is looked at once for each of these, with every token of an answer, while others wait. */
export const MAX_BRANCHES = 32
export const MAX_VALUES = 512
export const MAX_OPTIONAL = 256
/** llama.cpp repeats an element and its comma no more often. */
const MAX_COUNT = 900

const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'] as const
export type Type = (typeof TYPES)[number]

/** They say something of a value, and nothing that an answer must keep. */
const ANNOTATIONS = new Set(
  (
    '$schema $id $comment $defs definitions title description default examples deprecated ' +
    'readOnly writeOnly'
  ).split(' '),
)
const RULES = new Set(
  (
    'type enum const anyOf $ref properties required additionalProperties items minItems maxItems ' +
    'minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum'
  ).split(' '),
)
const REMEDIES = new Map([
  ['oneOf', 'Use anyOf.'],
  ['allOf', 'Write what all of them ask for as one schema.'],
  ['pattern', 'List the possible values as an enum, or leave it out.'],
  ['prefixItems', 'Use an object with a name for each place.'],
  ['nullable', 'Add "null" to its type.'],
])

export type Path = readonly string[]
export type Schema = Record<string, unknown>

/** The rules of a schema, all of them known. */
export function rulesOf(schema: Schema, path: Path): Set<string> {
  const rules = new Set<string>()
  for (const [key, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(key) || value === undefined) continue
    if (!RULES.has(key))
      throw new BadSchema(
        [...path, key],
        `It is not supported. ${REMEDIES.get(key) ?? 'Leave it out.'}`,
      )
    rules.add(key)
  }
  return rules
}

/** How few and how many of something there may be. */
export function counts(
  schema: Schema,
  least: string,
  most: string,
  path: Path,
): { min: number; max: number | null } {
  const min = count(schema[least], [...path, least]) ?? 0
  const max = count(schema[most], [...path, most])
  if (max !== null && max < min) throw new BadSchema([...path, most], `It is below ${least}.`)
  return { min, max }
}

export const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function alone(rules: ReadonlySet<string>, rule: string, path: Path): Path {
  const other = [...rules].find((each) => each !== rule)
  if (other === undefined) return [...path, rule]
  throw new BadSchema(
    [...path, other],
    `It is not supported beside ${rule}. Put it into what ${rule} names.`,
  )
}

export function typesOf({ type }: Schema, path: Path): Type[] {
  if (type === undefined) return []
  const named = new Set(typeof type === 'string' ? [type] : strings(type, path))
  const types = TYPES.filter((each) => named.has(each))
  if (types.length === named.size && types.length > 0) return types
  throw new BadSchema(path, `It must be one or more of ${TYPES.join(', ')}.`)
}

export function strings(value: unknown, path: Path): string[] {
  if (
    Array.isArray(value) &&
    value.length <= MAX_WEIGHT &&
    value.every((each) => typeof each === 'string')
  )
    return value
  throw new BadSchema(path, 'It must be a list of strings.')
}

function count(value: unknown, path: Path): number | null {
  if (value === undefined) return null
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_COUNT)
    return Number(value)
  throw new BadSchema(path, `It must be a whole number from 0 to ${MAX_COUNT}.`)
}

export function integer(schema: Schema, path: Path): Shape {
  const bound = (key: string, by: number): number | null => {
    const value = schema[key]
    if (value === undefined) return null
    if (Number.isSafeInteger(value)) return Number(value) + by
    throw new BadSchema([...path, key], 'It must be a whole number below 2^53.')
  }
  const lowest = [bound('minimum', 0), bound('exclusiveMinimum', 1)].filter((at) => at !== null)
  const highest = [bound('maximum', 0), bound('exclusiveMaximum', -1)].filter((at) => at !== null)
  const min = lowest.length > 0 ? Math.max(...lowest) : null
  const max = highest.length > 0 ? Math.min(...highest) : null
  if (min !== null && max !== null && max < min)
    throw new BadSchema(path, 'No number is both above its minimum and below its maximum.')
  return { kind: 'integer', min, max }
}

export function number(schema: Schema, path: Path): Shape {
  for (const key of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'])
    if (schema[key] !== undefined)
      throw new BadSchema(
        [...path, key],
        'It is supported of integers only. Use an integer, or leave it out.',
      )
  return { kind: 'number' }
}

export function isOfType(value: unknown, type: Type): boolean {
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
