import { refuseAmbiguous } from './ambiguous.ts'
import { areApart } from './apart.ts'
import { both, type Workshop } from './both.ts'
import { refuseEndless } from './endless.ts'
import { languageOf } from './pattern.ts'
import { ANY, array, choice, exactly, NEVER } from './make-shape.ts'
import { readInteger, readNumber } from './read-number.ts'
import { readObject } from './read-object.ts'
import { readString, type KnownTexts } from './read-string.ts'
import { refuseLarge } from './large.ts'
import { targetOf } from './pointer.ts'
import {
  counts,
  isObject,
  isOfType,
  MAX_BRANCHES,
  MAX_COUNTED,
  MAX_UNITS,
  MAX_VALUES,
  MAX_WEIGHT,
  rulesOf,
  RULES_OF,
  TOO_LARGE,
  TYPES,
  typesOf,
  type Path,
  type Schema,
  type Type,
} from './rules.ts'
import { BadSchema, type Shape, type Shapes } from './shape.ts'
import { without } from './without.ts'

const MAX_DEPTH = 32
const MAX_NAMED = 256

/**
 * Reads a JSON schema (draft 2020-12, the part of it that can be kept). Throws a `BadSchema` at the first place that
 * asks for more. A rule for another type than the value's is no rule, as the standard has it.
 */
export function readSchema(schema: unknown): Shapes {
  const reader = new SchemaReader(schema)
  const shapes = { root: reader.root(), named: reader.named }
  refuseEndless(shapes)
  refuseLarge(shapes, reader.spend)
  refuseAmbiguous(shapes, reader.spend)
  return shapes
}

class SchemaReader {
  readonly named = new Map<string, Shape>()
  readonly #schema: unknown
  /** Named and not made yet. One after the other: named by each other they would nest as deeply as a stranger likes. */
  readonly #pending = new Map<string, () => Shape>()
  /** Being made just now. */
  readonly #open = new Set<string>()
  /** What can only be said when all shapes are known. */
  readonly #checks: (() => void)[] = []
  readonly #known: KnownTexts = new Map()
  readonly #shop: Workshop
  /** Where a schema has rules and no type. */
  #guessed: Path | undefined
  /** Where a schema asks for what is not something else: a guess is then no help. */
  #isStrict = false
  #weight = 0
  #counted = 0
  #units = 0

  constructor(schema: unknown) {
    this.#schema = schema
    this.#shop = {
      spend: this.spend,
      resolve: (to) => this.#resolve(to),
      later: (key, make) => this.#later(key, make),
    }
  }

  readonly spend = (units: number): void => {
    this.#units += units
    if (this.#units > MAX_UNITS) throw new BadSchema([], TOO_LARGE)
  }

  root(): Shape {
    if (!isObject(this.#schema)) throw new BadSchema([], 'A schema is an object.')
    const root = this.#read(this.#schema, [])
    this.#pending.set('#', () => root)
    for (const name of this.named.keys()) this.#resolve(name)
    for (const check of this.#checks) check()
    if (this.#isStrict && this.#guessed)
      throw new BadSchema(this.#guessed, 'Say of which type it is: oneOf and not need to know.')
    return root
  }

  #read(schema: unknown, path: Path, inherited?: readonly Type[]): Shape {
    this.#weigh(1, path)
    if (path.length > MAX_DEPTH * 2) throw new BadSchema(path, 'It is nested too deeply.')
    if (schema === true) return ANY
    if (schema === false) return NEVER
    if (!isObject(schema)) throw new BadSchema(path, 'A schema is an object.')
    const rules = rulesOf(schema, path)
    const named = typesOf(schema, [...path, 'type'])
    const types = named.length > 0 ? named : inherited
    const parts = [
      ...this.#own(schema, rules, types, path),
      ...this.#applied(schema, rules, types, path),
    ]
    const [first = ANY, ...more] = parts
    const all = more.reduce((sum, part) => both(sum, part, this.#shop), first)
    if (all.kind === 'never') throw new BadSchema(path, 'No value keeps all of its rules.')
    return rules.has('not') ? this.#not(all, schema['not'], types, [...path, 'not']) : all
  }

  /** What it says of values itself. */
  #own(
    schema: Schema,
    rules: ReadonlySet<string>,
    types: readonly Type[] | undefined,
    path: Path,
  ): Shape[] {
    const listed = ['const', 'enum'].filter((rule) => rules.has(rule))
    const values = listed.map((rule) =>
      this.#values(rule === 'const' ? [schema[rule]] : schema[rule], types ?? [], [...path, rule]),
    )
    const ruled = Object.keys(RULES_OF).filter((sort) =>
      RULES_OF[sort as keyof typeof RULES_OF].some((rule) => rules.has(rule)),
    )
    if (ruled.length === 0)
      return types && values.length === 0 ? [this.#ofTypes(types, schema, path)] : values
    const isAlone = !types && [...rules].every((rule) => ruled.includes(sortOf(rule) ?? ''))
    if (isAlone) this.#guessed ??= path
    const meant = types ?? (isAlone ? (ruled as Type[]).slice(-1) : ALL_TYPES)
    return [...values, this.#ofTypes(meant, schema, path)]
  }

  #ofTypes(types: readonly Type[], schema: Schema, path: Path): Shape {
    return choice(types.map((type) => this.#ofType(type, schema, path)))
  }

  /** What it says by other schemas. */
  #applied(
    schema: Schema,
    rules: ReadonlySet<string>,
    types: readonly Type[] | undefined,
    path: Path,
  ): Shape[] {
    const branches = (rule: string): Shape[] => {
      if (!rules.has(rule)) return []
      return this.#branches(schema[rule], types, [...path, rule])
    }
    const [all, any, one] = [branches('allOf'), branches('anyOf'), branches('oneOf')]
    if (one.length > 1) this.#mustBeApart(one, [...path, 'oneOf'])
    return [
      ...(rules.has('$ref') ? [this.#ref(schema['$ref'], [...path, '$ref'])] : []),
      ...all,
      ...(any.length > 0 ? [choice(any)] : []),
      ...(one.length > 0 ? [choice(one)] : []),
    ]
  }

  #branches(branches: unknown, types: readonly Type[] | undefined, path: Path): Shape[] {
    if (!Array.isArray(branches) || branches.length === 0)
      throw new BadSchema(path, 'It must be a list of schemas.')
    if (branches.length > MAX_BRANCHES)
      throw new BadSchema(path, `At most ${MAX_BRANCHES} branches are possible.`)
    return branches.map((branch, i) => this.#read(branch, [...path, String(i)], types))
  }

  /** A value that two of them take is not meant, and no grammar can tell where it is written. */
  #mustBeApart(shapes: readonly Shape[], path: Path): void {
    this.#isStrict = true
    this.#checks.push(() => {
      for (const [i, a] of shapes.entries())
        for (const [j, b] of shapes.slice(0, i).entries())
          if (!areApart(a, b, this.#shop))
            throw new BadSchema(
              path,
              `Its branches ${j} and ${i} have values in common. Let a required const tell them apart, or use anyOf.`,
            )
    })
  }

  #not(shape: Shape, schema: unknown, types: readonly Type[] | undefined, path: Path): Shape {
    this.#isStrict = true
    const other = this.#read(schema, path, types)
    return this.#later(`not ${path.join('/')}`, () => {
      const left = without(shape, other, this.#shop, path)
      if (left.kind === 'never') throw new BadSchema(path, 'Nothing is left.')
      return left
    })
  }

  #ofType(type: Type, schema: Schema, path: Path): Shape {
    const { spend } = this.#shop
    switch (type) {
      case 'string': {
        const lengths = this.#counts(schema, 'minLength', 'maxLength', path)
        return readString(schema, lengths, { path, spend, known: this.#known })
      }
      case 'integer':
        return readInteger(schema, path, spend)
      case 'number':
        return readNumber(schema, path, spend)
      case 'array':
        return this.#array(schema, path)
      case 'object': {
        const howMany = this.#counts(schema, 'minProperties', 'maxProperties', path)
        return readObject(schema, howMany, {
          path,
          shop: this.#shop,
          read: (each, at) => this.#read(each, at),
          textsOf: (pattern, at) => languageOf(pattern, at, spend),
        })
      }
      case 'boolean':
      case 'null':
        return { kind: type }
    }
  }

  #array(schema: Schema, path: Path): Shape {
    const { items = true, prefixItems = [], uniqueItems = false } = schema
    const at = [...path, 'prefixItems']
    if (uniqueItems !== false)
      throw new BadSchema([...path, 'uniqueItems'], 'It is not supported. Leave it out.')
    if (!Array.isArray(prefixItems)) throw new BadSchema(at, 'It must be a list of schemas.')
    if (Array.isArray(items)) throw new BadSchema([...path, 'items'], 'Use prefixItems.')
    const howMany = this.#counts(schema, 'minItems', 'maxItems', path)
    const first = prefixItems.map((item, i) => this.#read(item, [...at, String(i)]))
    const made = array({ first, items: this.#read(items, [...path, 'items']), ...howMany })
    if (made.kind === 'never') throw new BadSchema(path, 'No list keeps all of its rules.')
    return made
  }

  /** Of the values that are listed, those of the right type. */
  #values(values: unknown, types: readonly Type[], path: Path): Shape {
    if (!Array.isArray(values) || values.length === 0)
      throw new BadSchema(path, 'It must be a list of values.')
    if (values.length > MAX_VALUES)
      throw new BadSchema(path, `At most ${MAX_VALUES} values are possible.`)
    const fitting = values.filter(
      (value) => types.length === 0 || types.some((type) => isOfType(value, type)),
    )
    if (fitting.length === 0) throw new BadSchema(path, 'None of its values is of its type.')
    this.#weigh(values.length, path)
    return choice(
      fitting.map((value: unknown) => {
        refuseInfinite(value, path)
        refuseDeep(value, path, 0)
        return exactly(value)
      }),
    )
  }

  #ref(to: unknown, path: Path): Shape {
    if (typeof to !== 'string' || !/^#(?:\/|$)/.test(to))
      throw new BadSchema(path, 'It must be "#" or point into this schema, as "#/$defs/<name>".')
    if (to === '#') return this.#later(to)
    const target = targetOf(this.#schema, to)
    if (!target) throw new BadSchema(path, `There is nothing at "${to}" in this schema.`)
    return this.#later(to, () => this.#read(target.schema, target.path))
  }

  #later(name: string, make?: () => Shape): Shape {
    if (!this.named.has(name)) {
      if (this.named.size === MAX_NAMED)
        throw new BadSchema([], `It names more than ${MAX_NAMED} schemas.`)
      this.named.set(name, ANY)
      if (make) this.#pending.set(name, make)
    }
    return { kind: 'ref', to: name }
  }

  #resolve(name: string): Shape {
    if (this.#open.has(name)) throw new BadSchema(pathOf(name), 'It stands for itself.')
    const make = this.#pending.get(name)
    if (make) {
      this.#open.add(name)
      this.named.set(name, make())
      this.#open.delete(name)
      this.#pending.delete(name)
    }
    return this.named.get(name) ?? NEVER
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

/** A number is an integer too. */
const ALL_TYPES = TYPES.filter((type) => type !== 'integer')

const sortOf = (rule: string): string | undefined =>
  Object.entries(RULES_OF).find(([, rules]) => (rules as readonly string[]).includes(rule))?.[0]

/** JSON has no such number, and a schema that was not read from JSON may. */
function refuseInfinite(value: unknown, path: Path): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new BadSchema(path, 'Its values must be of JSON.')
}

function refuseDeep(value: unknown, path: Path, depth: number): void {
  if (depth > MAX_DEPTH) throw new BadSchema(path, 'It is nested too deeply.')
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) refuseDeep(inner, path, depth + 1)
}

const pathOf = (pointer: string): string[] => pointer.split('/').slice(1)
