import { describe, test } from 'vitest'
import { readSchema } from './read-schema.ts'
import { anyOther } from './make-shape.ts'
import { BadSchema, type Shape } from './shape.ts'

const string: Shape = { kind: 'string', min: 0, max: null }
const anyMany = { min: 0, max: null }
const plain = { type: 'string' }
const literal = (value: unknown): Shape => ({ kind: 'literal', json: JSON.stringify(value) })

/** Where a schema is refused. */
function fault(schema: unknown): string {
  try {
    readSchema(schema)
  } catch (thrown) {
    if (thrown instanceof BadSchema) return thrown.path.join('.')
    throw thrown
  }
  return 'is fine'
}

const nest = (depth: number, inner: object): object =>
  depth === 0 ? inner : { type: 'array', items: nest(depth - 1, inner) }

const times = <T>(length: number, make: (i: number) => T): T[] =>
  Array.from({ length }, (_, i) => make(i))
const list = (items: object) => ({ type: 'array', items })
const node = (name: string, value: unknown) => ({
  type: 'object',
  properties: { [name]: { const: value }, inner: { $ref: '#' } },
  required: [name],
})

/** Definitions that each name the next. */
const chain = (length: number) => ({
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries(
    Array.from({ length }, (_, i) => [
      `d${i}`,
      { type: 'object', properties: { next: { $ref: `#/$defs/d${(i + 1) % length}` } } },
    ]),
  ),
})

const pattern = (its: string) => ({ type: 'string', pattern: its })

describe('a JSON schema', () => {
  test.for<[object, Shape]>([
    [{}, { kind: 'any' }],
    [{ type: 'string', title: 'A name', default: 'x' }, string],
    [{ maxLength: 3 }, { kind: 'string', min: 0, max: 3 }],
    [{ type: ['string', 'null'] }, { kind: 'choice', of: [string, { kind: 'null' }] }],
    [
      { type: 'integer', minimum: -3, exclusiveMaximum: 10 },
      { kind: 'integer', min: -3, max: 9 },
    ],
    [
      { type: 'array', items: { type: 'boolean' }, minItems: 1 },
      { kind: 'array', first: [], items: { kind: 'boolean' }, min: 1, max: null },
    ],
    [
      { type: 'object', properties: { a: { const: 1 }, b: {} }, required: ['b'] },
      {
        kind: 'object',
        members: [
          { name: 'a', shape: literal(1), required: false },
          { name: 'b', shape: { kind: 'any' }, required: true },
        ],
        others: [anyOther(false)],
        ...anyMany,
      },
    ],
    [
      { additionalProperties: { type: 'null' } },
      {
        kind: 'object',
        members: [],
        others: [{ ...anyOther(true), shape: { kind: 'null' } }],
        ...anyMany,
      },
    ],
    [
      { type: 'object', additionalProperties: false },
      { kind: 'object', members: [], others: [], ...anyMany },
    ],
    [
      { type: 'array', prefixItems: [{ const: 1 }], items: false, minItems: 1 },
      { kind: 'array', first: [literal(1)], items: { kind: 'never' }, min: 1, max: 1 },
    ],
    [
      {
        allOf: [
          { type: 'integer', minimum: 2 },
          { type: 'number' },
          { type: 'integer', maximum: 5 },
        ],
      },
      { kind: 'integer', min: 2, max: 5 },
    ],
    [{ type: 'string', enum: ['a', 'bb'], minLength: 2 }, literal('bb')],
    [
      { oneOf: [{ const: 'a' }, { type: 'null' }] },
      { kind: 'choice', of: [literal('a'), { kind: 'null' }] },
    ],
    [
      { type: 'string', enum: ['a', 1, 'b"', null] },
      { kind: 'choice', of: [literal('a'), literal('b"')] },
    ],
    [
      { anyOf: [{ type: 'null' }, { const: 'x' }] },
      { kind: 'choice', of: [{ kind: 'null' }, literal('x')] },
    ],
  ])('%j is read', ([schema, root], { expect }) => {
    expect(readSchema(schema).root).toEqual(root)
  })

  test('may name itself and what it defines', ({ expect }) => {
    const { named } = readSchema({
      type: 'object',
      properties: { next: { $ref: '#' }, kind: { $ref: '#/$defs/a~1b' } },
      $defs: { 'a/b': { type: 'string' } },
    })
    expect([...named.keys()]).toEqual(['#', '#/$defs/a~1b'])
    expect(named.get('#')).toMatchObject({ kind: 'object' })
    expect(named.get('#/$defs/a~1b')).toEqual(string)
  })

  test.for<[string, unknown]>([
    ['', null],
    ['', []],
    ['type', { type: 'text' }],
    ['type', { type: [] }],
    ['pattern', { type: 'string', pattern: '(?=a)' }],
    ['pattern', { type: 'string', pattern: '(a)\\1' }],
    ['pattern', { type: 'string', pattern: '\\bx' }],
    ['pattern', { type: 'string', pattern: '(' }],
    ['pattern', { type: 'string', pattern: 7 }],
    ['pattern', { type: 'string', pattern: 'a'.repeat(1001) }],
    ['', { type: 'string', pattern: '^(a?){500}(b?){500}(c?){500}(d?){500}$' }],
    ['', { type: 'string', pattern: '^(a|aa)$', maxLength: 0 }],
    ['', { type: 'string', pattern: '(.*a.{20}){2}' }],
    ['oneOf', { oneOf: [{ type: 'string' }, { type: 'string', maxLength: 3 }] }],
    [
      'oneOf.2',
      {
        oneOf: [{ type: 'string' }, { const: 1 }, { type: ['null'], allOf: [{ type: 'string' }] }],
      },
    ],
    ['oneOf.1', { oneOf: [{ const: 1 }, { minLength: 2 }] }],
    ['allOf', { allOf: [] }],
    ['', { allOf: [{ type: 'string' }, { type: 'number' }] }],
    ['not', { type: 'object', not: { properties: { a: { const: 1 } }, required: ['a'] } }],
    ['not', { type: 'string', not: { type: 'string' } }],
    ['if', { if: {}, else: {} }],
    ['uniqueItems', { type: 'array', uniqueItems: true }],
    ['contains', { type: 'array', contains: {} }],
    ['items', { type: 'array', items: [{}] }],
    ['multipleOf', { type: 'integer', multipleOf: 0 }],
    ['multipleOf', { type: 'number', multipleOf: 0.12345 }],
    ['', { type: 'integer', minimum: 1, maximum: 6, multipleOf: 7 }],
    ['minimum', { type: 'number', minimum: 1e-300 }],
    ['propertyNames', { type: 'object', propertyNames: { maxLength: 3 } }],
    ['', { type: 'object', minProperties: 2 }],
    ['', { properties: { a: {} }, required: ['b'], additionalProperties: false }],
    ['constructor', { constructor: 1 }],
    ['properties.a.format', { properties: { a: { type: 'string', format: 'iri' } } }],
    ['properties', { type: 'object', properties: [] }],
    ['maxLength', { type: 'string', minLength: 2, maxLength: 1 }],
    ['maxItems', { type: 'array', maxItems: 901 }],
    ['', { type: 'integer', minimum: 1, maximum: 0 }],
    ['maximum', { type: 'integer', maximum: 1e300 }],
    ['enum', { type: 'string', enum: [1] }],
    ['const', { const: Infinity }],
    ['anyOf', { anyOf: [] }],
    ['anyOf.1.type', { anyOf: [{}, { type: 'x' }] }],
    ['$ref', { $ref: 'https://example.com/schema' }],
    ['$ref', { $ref: '#/$defs/toString', $defs: {} }],
    ['minLength', { minLength: -1 }],
    ['$ref', { $ref: '#/properties/a', properties: {} }],
  ])('is refused at %j: %j', ([path, schema], { expect }) => {
    expect(fault(schema)).toBe(path)
  })

  test.for<[string, object]>([
    [
      'a node that must have a next one',
      { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] },
    ],
    [
      'one that may be left out, and cannot end once it has begun',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { type: 'array', minItems: 1, items: { $ref: '#/$defs/a' } } },
      },
    ],
    ['a name for itself', { $ref: '#' }],
    [
      'names for each other, and another way out',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: {
          a: { anyOf: [{ $ref: '#/$defs/b' }, { type: 'null' }] },
          b: { $ref: '#/$defs/a' },
        },
      },
    ],
  ])('is refused where it is %s', ([, schema], { expect }) => {
    expect(() => readSchema(schema)).toThrow(BadSchema)
  })

  test.for<[string, object]>([
    ['two lists of lists', { anyOf: [list({ type: 'array' }), list(list({}))] }],
    ['a list of itself, and another', { anyOf: [list({ $ref: '#' }), list({ $ref: '#' }), {}] }],
    ['anything, or a list', { anyOf: [{}, { type: 'array' }] }],
    ['objects that begin with the same value', { anyOf: [node('a', 1), node('a', 1)] }],
    ['objects that may begin alike', { anyOf: [node('a', 1), { ...node('b', 1), required: [] }] }],
    ['an object and any other', { anyOf: [node('a', 1), { additionalProperties: list({}) }] }],
    [
      'branches behind names',
      { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }], $defs: { a: list(list({})) } },
    ],
  ])('is refused where it may be %s', ([, schema], { expect }) => {
    expect(() => readSchema(schema)).toThrow('may begin alike')
  })

  test.for<[string, object]>([
    ['lists of plain values', { anyOf: [list({ type: 'string' }), list({ type: 'integer' })] }],
    [
      'plain objects',
      { anyOf: [{ properties: { a: { const: 1 } } }, { properties: { a: plain } }] },
    ],
    ['a list, an object and a value', { anyOf: [list({ $ref: '#' }), node('a', 1), { const: 1 }] }],
    ['objects of different names', { anyOf: [node('a', 1), node('b', 1)] }],
    ['objects of different values', { anyOf: [node('a', 1), node('a', 2), node('a', 3)] }],
  ])('may be one of %s', ([, schema], { expect }) => {
    expect(() => readSchema(schema)).not.toThrow()
  })

  const long = 'x'.repeat(4000)
  const must = { properties: { [long]: plain }, required: [long], additionalProperties: plain }
  const listed = (end: string) => ({ enum: times(500, (i) => `${long}${end}${i}`) })
  const level = (i: number) => ({
    anyOf: times(32, () => (i === 9 ? { type: 'array' } : { $ref: `#/$defs/a${i + 1}` })),
  })
  const $defs = Object.fromEntries(times(10, (i) => [`a${i}`, level(i)]))
  test.for<[string, object]>([
    ['classes', pattern(`[${'\\w\\W\\s'.repeat(150)}]{9000}`)],
    ['alternatives', pattern(`(?:${'|'.repeat(900)}){9000}`)],
    ['long names', { properties: Object.fromEntries(times(100, (i) => [`k${i}`, must])) }],
    [
      'a name as long as a book',
      { patternProperties: { '^\\p{L}*$': plain }, properties: { ['\u{1e900}'.repeat(1e6)]: {} } },
    ],
    [
      'long values in patterns',
      { allOf: [listed('a'), { anyOf: times(32, () => pattern('^x*a\\d*$')) }] },
    ],
    ['long values in other lists', { oneOf: [listed('a'), listed('b')] }],
    ['choices of choices', { $ref: '#/$defs/a0', $defs }],
    ['what is not one of them', { not: { $ref: '#/$defs/a0' }, $defs }],
  ])('takes little time, whatever it has of %s', ([, schema], { expect }) => {
    const sinceMs = performance.now()
    fault(schema)
    // It takes a tenth of that; unpaid for, each of these took 3 to 10 s or had no end.
    expect(performance.now() - sinceMs).toBeLessThan(1_500)
  })

  test.for<[string, object]>([
    [
      'names for each other',
      { not: { $ref: '#/$defs/a' }, $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    ],
    [
      'a choice of itself',
      {
        not: { $ref: '#/$defs/a' },
        $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } },
      },
    ],
    [
      'lists without end',
      { const: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown },
    ],
  ])('is refused where a value of it is, or is not, one of %s', ([, schema], { expect }) => {
    expect(() => readSchema(schema)).toThrow(BadSchema)
  })

  test('is bounded in depth, size and names', ({ expect }) => {
    expect(fault(nest(32, {}))).toBe('is fine')
    expect(fault(nest(100, {}))).toContain('items.items')
    expect(fault({ enum: times(512, (i) => i) })).toBe('is fine')
    expect(fault({ enum: times(513, (i) => i) })).toBe('enum')
    expect(fault({ anyOf: times(32, () => plain) })).toBe('is fine')
    expect(fault({ anyOf: times(33, () => plain) })).toBe('anyOf')
    const named = (size: number) => Object.fromEntries(times(size, (i) => [`p${i}`, plain]))
    const required = Object.keys(named(1))
    expect(fault({ properties: named(257), required })).toBe('is fine')
    expect(fault({ properties: named(257) })).toBe('properties')
    const all = { properties: named(2048), required: Object.keys(named(2048)) }
    expect(fault(all)).toBe('properties.p2047')
    expect(fault(nest(8, { type: 'string', minLength: 900, maxLength: 900 }))).toBe('is fine')
    const many = { type: 'array', minItems: 900, maxItems: 900, items: { type: 'null' } }
    const counting = Object.fromEntries(times(23, (i) => [`p${i}`, many]))
    expect(fault({ properties: counting })).toBe('properties.p22.maxItems')
    expect(fault(chain(256))).toBe('is fine')
    expect(() => readSchema(chain(2000))).toThrow('names more than 256')
  })
})
