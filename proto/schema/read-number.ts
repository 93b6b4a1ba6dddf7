import { beside, decimals, multiplesOf, wholes, within, type Bound } from './decimals.ts'
import { isEmpty, type Language, type Spend } from './language.ts'
import type { Path, Schema } from './rules.ts'
import { BadSchema, type Shape } from './shape.ts'

const BOUNDS = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'] as const

/** A whole number. Bounds between two of them count as the next one within. */
export function readInteger(schema: Schema, path: Path, spend: Spend): Shape {
  const bound = (key: Bound, inward: (value: number) => number): number | null => {
    const value = schema[key]
    if (value === undefined) return null
    if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER)
      return inward(value) + 0
    throw new BadSchema([...path, key], 'It must be a number, at most 2^53 in size.')
  }
  const lowest = [
    bound('minimum', Math.ceil),
    bound('exclusiveMinimum', (value) => Math.floor(value) + 1),
  ].filter((at) => at !== null)
  const highest = [
    bound('maximum', Math.floor),
    bound('exclusiveMaximum', (value) => Math.ceil(value) - 1),
  ].filter((at) => at !== null)
  const min = lowest.length > 0 ? Math.max(...lowest) : null
  const max = highest.length > 0 ? Math.min(...highest) : null
  if (min !== null && max !== null && max < min)
    throw new BadSchema(path, 'No number is both above its minimum and below its maximum.')
  if (schema['multipleOf'] === undefined) return { kind: 'integer', min, max }
  const all = [
    wholes(spend),
    multiples(schema, path, spend),
    min === null ? undefined : beside('minimum', min, spend),
    max === null ? undefined : beside('maximum', max, spend),
  ]
  return made(
    all.filter((each) => each !== undefined),
    path,
    spend,
  )
}

/** Any number. With a bound it is written without an exponent, and with 15 digits at most. */
export function readNumber(schema: Schema, path: Path, spend: Spend): Shape {
  const rules = BOUNDS.filter((key) => schema[key] !== undefined).map((key) => {
    const value = schema[key]
    const language = typeof value === 'number' ? beside(key, value, spend) : undefined
    if (language) return language
    throw new BadSchema(
      [...path, key],
      'It must be a number of at most 40 digits, exponent written out.',
    )
  })
  if (schema['multipleOf'] !== undefined) rules.push(multiples(schema, path, spend))
  return rules.length === 0 ? { kind: 'number' } : made([decimals(spend), ...rules], path, spend)
}

function multiples({ multipleOf }: Schema, path: Path, spend: Spend): Language {
  const language = typeof multipleOf === 'number' ? multiplesOf(multipleOf, spend) : undefined
  if (language) return language
  throw new BadSchema(
    [...path, 'multipleOf'],
    'It must be a number above 0 whose digits, without its point, are 1000 at most.',
  )
}

function made(languages: readonly Language[], path: Path, spend: Spend): Shape {
  const texts = within(languages, spend)
  if (texts && !isEmpty(texts)) return { kind: 'decimal', texts }
  throw new BadSchema(path, 'No number of 15 digits keeps all of its rules.')
}
