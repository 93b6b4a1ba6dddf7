import * as fc from 'fast-check'

/** As much of JSON Schema as an OpenAPI 3.1 document of ours uses. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
}

/** What no field expects, of every type, and what breaks parsers, databases, terminals and logs. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    -1,
    0,
    1e308,
    -0.5,
    2 ** 53,
    [],
    {},
    [[]],
    '\u0000',
    '\uD800',
    '\r\nx-injected: 1',
    "'; drop table keys; --",
    '$(reboot) ${7*7} {{7*7}} %s %n',
    '../../../../etc/passwd',
    '<script>alert(1)</script>',
    '\u202Egnp.exe\u0007',
    'x'.repeat(20_000),
    { $ne: null },
    { toString: 1, valueOf: 2, constructor: 3 },
    JSON.parse('{"__proto__":{"admin":true}}'),
    Array.from({ length: 300 }, () => 'a'),
    { type: 'function', function: null },
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Values that a schema asks for, mostly; deep ones end early. */
export function arbitraryOf(
  schema: Schema,
  resolve: (ref: string) => Schema,
  depth = 0,
): fc.Arbitrary<unknown> {
  const inner = (part: Schema): fc.Arbitrary<unknown> => arbitraryOf(part, resolve, depth + 1)
  if (depth > 8) return fc.constant(null)
  if (schema.$ref !== undefined) return inner(resolve(schema.$ref))
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum && schema.enum.length > 0) return fc.constantFrom(...schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return fc.oneof(...branches.map(inner))
  if (schema.allOf)
    return fc
      .tuple(...schema.allOf.map(inner))
      .map((parts) => Object.assign({}, ...parts) as unknown)
  const [type] = [schema.type].flat()
  switch (type) {
    case 'object':
      return objectOf(schema, inner)
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
      })
    case 'string':
      return fc.string({
        unit: 'grapheme',
        minLength: schema.minLength ?? 0,
        maxLength: Math.min(schema.maxLength ?? 30, (schema.minLength ?? 0) + 30),
      })
    case 'integer':
      return fc.integer(rangeOf(schema, 100_000))
    case 'number':
      return fc.double({ ...rangeOf(schema, 10), noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

function objectOf(
  { properties = {}, required = [], additionalProperties }: Schema,
  inner: (part: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const names = Object.keys(properties)
  const must = names.filter((name) => required.includes(name))
  const may = names.filter((name) => !required.includes(name))
  // Few of those that may be left out: of many at random, one is always refused for another's sake.
  const known = fc.subarray(may, { maxLength: Math.min(may.length, 2) }).chain((some) => {
    const model = [...must, ...some].map((name) => [name, inner(properties[name] ?? {})] as const)
    return fc.record<Record<string, unknown>>(Object.fromEntries(model))
  })
  if (typeof additionalProperties !== 'object') return known
  const more = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 8 }),
    inner(additionalProperties),
    { maxKeys: 3 },
  )
  return fc.tuple(known, more).map(([a, b]) => ({ ...b, ...(a as object) }))
}

const rangeOf = ({ minimum, maximum }: Schema, span: number): { min: number; max: number } => {
  const min = Math.max(minimum ?? -span, -(2 ** 31))
  return { min, max: Math.max(min, Math.min(maximum ?? span, 2 ** 31)) }
}
