import { FORMATS } from './formats.ts'
import { intersect, isEmpty, ofLength, type Language, type Spend } from './language.ts'
import { languageOf } from './pattern.ts'
import type { Path, Schema } from './rules.ts'
import { BadSchema, type Shape } from './shape.ts'

/** Patterns that were read before, and what they came to: a format may be in a hundred places. */
export type KnownTexts = Map<string, Language>

/** A string. Its length is in code points. */
export function readString(
  schema: Schema,
  { min, max }: { min: number; max: number | null },
  { path, spend, known }: { path: Path; spend: Spend; known: KnownTexts },
): Shape {
  const remembered = (key: string, make: () => Language): Language => {
    const there = known.get(key)
    if (there) return there
    const made = make()
    known.set(key, made)
    return made
  }
  const found: Language[] = []
  const { pattern, format } = schema
  if (pattern !== undefined) {
    const at = [...path, 'pattern']
    if (typeof pattern !== 'string') throw new BadSchema(at, 'It must be a string.')
    found.push(remembered(pattern, () => languageOf(pattern, at, spend)))
  }
  const formatted = format === undefined ? undefined : formatOf(format, [...path, 'format'])
  if (formatted) found.push(ofFormat(formatted.pattern))
  const [first, second] = found
  if (!first) return { kind: 'string', min, max }
  const key = JSON.stringify([pattern, format, min, max])
  const texts = remembered(key, () => {
    const all = second ? intersect(first, second, spend) : first
    return min === 0 && max === null ? all : ofLength(all, min, max, spend)
  })
  if (isEmpty(texts)) throw new BadSchema(path, 'No text keeps all of its rules.')
  return { kind: 'text', texts, ...(formatted?.whole === false && { loose: true as const }) }
}

const formats = new Map<string, Language>()

/** There are few, and each is read once: what they take is nobody's to spend. */
function ofFormat(pattern: string): Language {
  const known = formats.get(pattern) ?? languageOf(pattern, [], () => {})
  formats.set(pattern, known)
  return known
}

function formatOf(format: unknown, path: Path): { pattern: string; whole: boolean } {
  const known = typeof format === 'string' ? FORMATS.get(format) : undefined
  if (known) return known
  throw new BadSchema(
    path,
    `It must be one of ${[...FORMATS.keys()].join(', ')}. Describe others with a pattern.`,
  )
}
