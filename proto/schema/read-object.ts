import { both, type Workshop } from './both.ts'
import { ALL_TEXTS, holds, intersect, isEmpty, subtract, type Language } from './language.ts'
import { ANY, NEVER, object } from './make-shape.ts'
import { isObject, MAX_OPTIONAL, strings, type Path, type Schema } from './rules.ts'
import { BadSchema, type Member, type Others, type Shape } from './shape.ts'

/** Names may fit several patterns, and each set of them is a shape of its own. */
const MAX_PATTERNS = 4

export interface ObjectParts {
  path: Path
  shop: Workshop
  read: (schema: unknown, path: Path) => Shape
  /** The texts that a pattern means. */
  textsOf: (pattern: string, path: Path) => Language
}

/** An object with `min` to `max` members. */
export function readObject(
  schema: Schema,
  { min, max }: { min: number; max: number | null },
  parts: ObjectParts,
): Shape {
  const { path, read, shop } = parts
  const { properties = {}, required: listed = [] } = schema
  if (!isObject(properties)) throw new BadSchema([...path, 'properties'], 'It must be an object.')
  const musts = new Set(strings(listed, [...path, 'required']))
  const names = Object.keys(properties)
  if (names.filter((name) => !musts.has(name)).length > MAX_OPTIONAL)
    throw new BadSchema(
      [...path, 'properties'],
      `At most ${MAX_OPTIONAL} may be optional. Require the others.`,
    )
  const others = othersOf(schema, parts)
  const members = [...new Set([...names, ...musts])].map((name): Member => {
    const required = musts.has(name)
    const other = others.find(({ names: fit }) => {
      shop.spend(fit === ALL_TEXTS ? 1 : name.length)
      return holds(fit, name)
    })
    if (!Object.hasOwn(properties, name)) return { name, shape: other?.shape ?? NEVER, required }
    const own = read(properties[name], [...path, 'properties', name])
    // Patterns are for names that are properties too; what is additional is not.
    if (other?.isPattern) return { name, shape: both(own, other.shape, shop), required }
    return { name, shape: other || isAllowed(schema, name, parts) ? own : NEVER, required }
  })
  const made = object(
    members,
    others.map(({ names: fit, shape, asked }) => ({ names: fit, shape, asked })),
    min,
    max,
  )
  if (made.kind === 'never') throw new BadSchema(path, 'No object keeps all of its rules.')
  return made
}

type Cell = Others & { isPattern: boolean }

/** What members of other names are, by the sets of patterns that their names fit. */
function othersOf(schema: Schema, parts: ObjectParts): Cell[] {
  const { additionalProperties = true, patternProperties = {} } = schema
  const { path, read, textsOf, shop } = parts
  const at = [...path, 'patternProperties']
  if (!isObject(patternProperties)) throw new BadSchema(at, 'It must be an object.')
  const patterns = Object.entries(patternProperties)
  if (patterns.length > MAX_PATTERNS)
    throw new BadSchema(at, `At most ${MAX_PATTERNS} patterns are possible.`)
  const additional: Cell = {
    names: allowedNames(schema, parts),
    shape:
      additionalProperties === true
        ? ANY
        : read(additionalProperties, [...path, 'additionalProperties']),
    asked: isObject(additionalProperties),
    isPattern: false,
  }
  const cells = patterns.reduce<Cell[]>(
    (all, [pattern, each]) => {
      const fitting = textsOf(pattern, [...at, pattern])
      const shape = read(each, [...at, pattern])
      return all.flatMap((cell): Cell[] => [
        {
          names: intersect(cell.names, fitting, shop.spend),
          shape: both(cell.isPattern ? cell.shape : ANY, shape, shop),
          asked: true,
          isPattern: true,
        },
        { ...cell, names: subtract(cell.names, fitting, shop.spend) },
      ])
    },
    [additional],
  )
  return cells.filter(({ names }) => !isEmpty(names))
}

/** `propertyNames` with a pattern; other rules for names would be needed by nobody. */
function allowedNames(schema: Schema, { path, textsOf }: ObjectParts): Language {
  const { propertyNames } = schema
  if (propertyNames === undefined || propertyNames === true) return ALL_TEXTS
  const at = [...path, 'propertyNames']
  const rules = isObject(propertyNames) ? propertyNames : {}
  const { pattern, type = 'string', ...more } = rules
  if (typeof pattern === 'string' && type === 'string' && Object.keys(more).length === 0)
    return textsOf(pattern, [...at, 'pattern'])
  throw new BadSchema(at, 'It is supported with a pattern alone.')
}

const isAllowed = (schema: Schema, name: string, parts: ObjectParts): boolean =>
  holds(allowedNames(schema, parts), name)
