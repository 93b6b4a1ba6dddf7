import { refuseAmbiguous } from './ambiguous.ts'
import { refuseEndless } from './endless.ts'
import {
  alone,
  counts,
  integer,
  isObject,
  isOfType,
  MAX_BRANCHES,
  MAX_COUNTED,
  MAX_OPTIONAL,
  MAX_VALUES,
  MAX_WEIGHT,
  number,
  rulesOf,
  strings,
  typesOf,
  type Path,
  type Schema,
  type Type,
} from './rules.ts'
import { BadSchema, type Member, type Shape, type Shapes } from './shape.ts'

const MAX_DEPTH = 32
const MAX_NAMED = 256
const TOO_LARGE = 'The schema is too large. Ask for less at once.'

/**
 * Reads a JSON schema (draft 2020-12, the part of it that can be kept). Throws a `BadSchema` at the first place that
 * asks for more. A rule for another type than the value's is no rule, as the standard has it.
 */
export function readSchema(schema: unknown): Shapes {
  const reader = new SchemaReader(schema)
  const shapes = { root: reader.root(), named: reader.named }
  refuseEndless(shapes)
  refuseAmbiguous(shapes)
  return shapes
}

class SchemaReader {
  readonly named = new Map<string, Shape>()
  readonly #schema: unknown
  /** Named and not read yet. One after the other: named by each other they would nest as deeply as a stranger likes. */
  readonly #pending: (() => void)[] = []
  #weight = 0
  #counted = 0

  constructor(schema: unknown) {
    this.#schema = schema
  }

  root(): Shape {
    if (!isObject(this.#schema)) throw new BadSchema([], 'A schema is an object.')
    const root = this.#read(this.#schema, [])
    for (let read = this.#pending.shift(); read; read = this.#pending.shift()) read()
    if (this.named.has('#')) this.named.set('#', root)
    return root
  }

  #read(schema: unknown, path: Path): Shape {
    this.#weigh(1, path)
    if (path.length > MAX_DEPTH * 2) throw new BadSchema(path, 'It is nested too deeply.')
    if (schema === true) return { kind: 'any' }
    if (!isObject(schema)) throw new BadSchema(path, 'A schema is an object.')
    const rules = rulesOf(schema, path)
    if (rules.has('$ref')) return this.#ref(schema['$ref'], alone(rules, '$ref', path))
    if (rules.has('anyOf')) return this.#anyOf(schema['anyOf'], alone(rules, 'anyOf', path))
    const types = typesOf(schema, [...path, 'type'])
    if (rules.has('const')) return this.#oneOf([schema['const']], types, [...path, 'const'])
    if (rules.has('enum')) return this.#oneOf(schema['enum'], types, [...path, 'enum'])
    if (types.length === 0) return rules.size === 0 ? { kind: 'any' } : this.#guessed(schema, path)
    const shapes = types.map((type) => this.#ofType(type, schema, path))
    return oneOf(shapes)
  }

  #ofType(type: Type, schema: Schema, path: Path): Shape {
    switch (type) {
      case 'string':
        return { kind: 'string', ...this.#counts(schema, 'minLength', 'maxLength', path) }
      case 'integer':
        return integer(schema, path)
      case 'number':
        return number(schema, path)
      case 'array': {
        const items = schema['items'] ?? true
        const howMany = this.#counts(schema, 'minItems', 'maxItems', path)
        return { kind: 'array', items: this.#read(items, [...path, 'items']), ...howMany }
      }
      case 'object':
        return this.#object(schema, path)
      case 'boolean':
      case 'null':
        return { kind: type }
    }
  }

  /** A schema with rules and no type: whatever it rules is what is meant. */
  #guessed(schema: Schema, path: Path): Shape {
    const has = (...keys: string[]): boolean => keys.some((key) => schema[key] !== undefined)
    if (has('properties', 'required', 'additionalProperties')) return this.#object(schema, path)
    if (has('items', 'minItems', 'maxItems')) return this.#ofType('array', schema, path)
    if (has('minLength', 'maxLength')) return this.#ofType('string', schema, path)
    throw new BadSchema(path, 'Say of which type it is.')
  }

  #object(schema: Schema, path: Path): Shape {
    const { properties = {}, required = [], additionalProperties = true } = schema
    if (!isObject(properties)) throw new BadSchema([...path, 'properties'], 'It must be an object.')
    const musts = new Set(strings(required, [...path, 'required']))
    const names = Object.keys(properties)
    const unknown = [...musts].find((name) => !names.includes(name))
    if (unknown !== undefined)
      throw new BadSchema(
        [...path, 'required'],
        `"${unknown}" is none of its properties. Add it there.`,
      )
    if (names.length === 0 && additionalProperties !== false) {
      const values = this.#read(additionalProperties, [...path, 'additionalProperties'])
      return { kind: 'map', values }
    }
    // With properties of its own, an object that may have more is made without any.
    if (typeof additionalProperties !== 'boolean' && !isObject(additionalProperties))
      throw new BadSchema([...path, 'additionalProperties'], 'It must be true, false or a schema.')
    if (names.length - musts.size > MAX_OPTIONAL)
      throw new BadSchema(
        [...path, 'properties'],
        `At most ${MAX_OPTIONAL} may be optional. Require the others.`,
      )
    const members = names.map((name): Member => {
      const shape = this.#read(properties[name], [...path, 'properties', name])
      return { name, shape, required: musts.has(name) }
    })
    return { kind: 'object', members }
  }

  #anyOf(branches: unknown, path: Path): Shape {
    if (!Array.isArray(branches) || branches.length === 0)
      throw new BadSchema(path, 'It must be a list of schemas.')
    if (branches.length > MAX_BRANCHES)
      throw new BadSchema(path, `At most ${MAX_BRANCHES} branches are possible.`)
    return oneOf(branches.map((branch, i) => this.#read(branch, [...path, String(i)])))
  }

  /** Of the values that are listed, those of the right type. */
  #oneOf(values: unknown, types: readonly Type[], path: Path): Shape {
    if (!Array.isArray(values) || values.length === 0)
      throw new BadSchema(path, 'It must be a list of values.')
    if (values.length > MAX_VALUES)
      throw new BadSchema(path, `At most ${MAX_VALUES} values are possible.`)
    this.#weigh(values.length, path)
    const scalars = values.map((value: unknown) => {
      if (
        (typeof value === 'object' && value !== null) ||
        value === Infinity ||
        value === -Infinity
      )
        throw new BadSchema(path, 'Its values must be strings, numbers, true, false or null.')
      return value
    })
    const fitting = scalars.filter(
      (value) => types.length === 0 || types.some((type) => isOfType(value, type)),
    )
    if (fitting.length === 0) throw new BadSchema(path, 'None of its values is of its type.')
    return oneOf(fitting.map((value) => ({ kind: 'literal', json: JSON.stringify(value) })))
  }

  #ref(to: unknown, path: Path): Shape {
    const found = typeof to === 'string' ? /^#(?:\/(\$defs|definitions)\/([^/]+))?$/.exec(to) : null
    if (!found || typeof to !== 'string')
      throw new BadSchema(path, 'It must be "#" or point into $defs, as "#/$defs/<name>".')
    const [, defs, escaped] = found
    if (!this.named.has(to)) {
      if (this.named.size === MAX_NAMED)
        throw new BadSchema(path, `It names more than ${MAX_NAMED} schemas.`)
      this.named.set(to, { kind: 'any' })
      if (defs !== undefined && escaped !== undefined)
        this.#pending.push(() =>
          this.named.set(to, this.#definition(defs, unescaped(escaped), path)),
        )
    }
    return { kind: 'ref', to }
  }

  #definition(defs: string, name: string, path: Path): Shape {
    const all: unknown = isObject(this.#schema) ? this.#schema[defs] : undefined
    if (!isObject(all) || !Object.hasOwn(all, name))
      throw new BadSchema(path, `There is no "${name}" in ${defs}.`)
    return this.#read(all[name], [defs, name])
  }

  #counts(
    schema: Schema,
    least: string,
    most: string,
    path: Path,
  ): { min: number; max: number | null } {
    const { min, max } = counts(schema, least, most, path)
    this.#counted += Math.max(min, max ?? 0)
    if (this.#counted > MAX_COUNTED)
      throw new BadSchema([...path, max === null ? least : most], TOO_LARGE)
    return { min, max }
  }

  #weigh(weight: number, path: Path): void {
    this.#weight += weight
    if (this.#weight > MAX_WEIGHT) throw new BadSchema(path, TOO_LARGE)
  }
}

const oneOf = (shapes: readonly Shape[]): Shape =>
  shapes.length === 1 && shapes[0] ? shapes[0] : { kind: 'choice', of: shapes }

/** JSON pointers write `/` as `~1` and `~` as `~0`. */
const unescaped = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~')
