import { BadSchema } from './shape.ts'

/** Subschemas, members and values of one schema, and of what it comes to. */
export const MAX_WEIGHT = 2048
/** All that it counts: lengths of strings and lists together. */
export const MAX_COUNTED = 20_000
/**
 * Steps of reading and of putting languages and shapes together: some 100 ms, in which a gateway does nothing else. `\p{L}`
 * and `\p{N}` in one pattern are worth 190 000.
 */
export const MAX_UNITS = 200_000
export const TOO_LARGE = 'The schema is too large. Ask for less at once.'
/** What may come next is looked at once for each of these, with every token of an answer, while others wait. */
export const MAX_BRANCHES = 32
export const MAX_VALUES = 512
export const MAX_OPTIONAL = 256
/** llama.cpp repeats an element and its comma no more often. */
const MAX_COUNT = 900

export const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'] as const
export type Type = (typeof TYPES)[number]

/** They say something of a value, and nothing that an answer must keep. */
const ANNOTATIONS = new Set(
  (
    '$schema $id $comment $defs definitions title description default examples deprecated ' +
    'readOnly writeOnly'
  ).split(' '),
)
/** Of values of each sort. */
export const RULES_OF = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  object: [
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
  ],
} as const satisfies Partial<Record<Type, readonly string[]>>
const RULES = new Set<string>([
  'type',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  '$ref',
  ...Object.values(RULES_OF).flat(),
])
const REMEDIES = new Map([
  ['if', 'Use anyOf, with the condition in each of its branches.'],
  ['contains', 'Use prefixItems, or say of all items what they are.'],
  ['dependentRequired', 'Use anyOf, with and without the property.'],
  ['dependentSchemas', 'Use anyOf, with and without the property.'],
  ['unevaluatedProperties', 'Use additionalProperties.'],
  ['unevaluatedItems', 'Use items.'],
  ['additionalItems', 'Use prefixItems, and items for the rest.'],
  ['$dynamicRef', 'Use $ref.'],
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

export function isOfType(value: unknown, type: Type): boolean {
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
