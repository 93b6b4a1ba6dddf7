import * as fc from 'fast-check'

type Schema = Record<string, unknown> | boolean

const PATTERNS = [
  '^[a-z]{2,5}$',
  '^(red|green|blue)$',
  '^\\d{3}-\\d{2}$',
  'x',
  '^a|b$',
  '[^a-z0-9]+$',
  '^\\p{Lu}\\w*$',
  '^"\\\\\\/\\t?$',
  '^(?:ab*c|[äöü]{1,3}).?$',
  '^$',
]
const FORMATS = [
  'date',
  'time',
  'date-time',
  'duration',
  'uuid',
  'ipv4',
  'ipv6',
  'hostname',
  'email',
]

const few = fc.nat(4)
const bound = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(0, 0.5, -0.25, 99.95, 1e-3, -1e6),
)
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc
    .option(value, { nil: undefined, freq: 2 })
    .map((drawn) => (drawn === undefined ? {} : { [key]: drawn }))
const put = (...parts: fc.Arbitrary<Record<string, unknown>>[]): fc.Arbitrary<Schema> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Schema)
const type = (name: string) => fc.constant({ type: name })

const string = put(
  type('string'),
  maybe('minLength', few),
  maybe(
    'maxLength',
    few.map((n) => n + 3),
  ),
  fc.oneof(
    { weight: 3, arbitrary: maybe('pattern', fc.constantFrom(...PATTERNS)) },
    { weight: 1, arbitrary: fc.constantFrom(...FORMATS).map((format) => ({ format })) },
  ),
)
const number = put(
  fc.constantFrom({ type: 'number' }, { type: 'integer' }),
  maybe('minimum', bound),
  maybe('exclusiveMaximum', bound),
  maybe('maximum', bound),
  maybe('multipleOf', fc.constantFrom(1, 3, 7, 0.5, 0.01, 2.5)),
)
const scalar = fc.constantFrom<unknown>('a', 'red', 'b"', '', 0, 1, 7, -2.5, true, null)
const listed = fc
  .uniqueArray(scalar, { minLength: 1, maxLength: 4 })
  .map((values) => ({ enum: values }))
const composite = fc.constantFrom<Schema>(
  { const: { a: [1, 'x'], b: null } },
  { enum: [[], [1, [2]], { k: true }] },
)

/** Schemas of all rules that are kept, some of which no value keeps. */
export const { schema } = fc.letrec<{ schema: Schema }>((tie) => {
  const inner = tie('schema')
  const array = put(
    type('array'),
    maybe('items', inner),
    maybe('prefixItems', fc.array(inner, { minLength: 1, maxLength: 3 })),
    maybe('minItems', few),
    maybe(
      'maxItems',
      few.map((n) => n + 1),
    ),
  )
  const names = fc.constantFrom('a', 'b', 'kind', 'x-1', 'ü"')
  const object = put(
    type('object'),
    fc.dictionary(names, inner, { maxKeys: 3 }).chain((properties) =>
      put(
        fc.constant({ properties }),
        fc.subarray(Object.keys(properties)).map((required) => ({ required })),
      ).map((each) => each as Record<string, unknown>),
    ),
    maybe('additionalProperties', fc.oneof(fc.constant(false), inner)),
    maybe(
      'patternProperties',
      fc
        .constantFrom('^x-', '^[a-c]$')
        .chain((pattern) => inner.map((each) => ({ [pattern]: each }))),
    ),
    maybe('minProperties', fc.nat(2)),
    maybe('maxProperties', few),
  )
  const branches = fc.array(inner, { minLength: 1, maxLength: 3 })
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'schema' },
      string,
      number,
      listed,
      composite,
      fc.constantFrom<Schema>({ type: 'boolean' }, { type: 'null' }, { type: ['string', 'null'] }),
      array,
      object,
      branches.map((anyOf) => ({ anyOf })),
      branches.map((oneOf) => ({ oneOf })),
      branches.map((allOf) => ({ allOf })),
      fc
        .tuple(inner, fc.oneof(listed, string, number))
        .map(([first, not]) => ({ allOf: [first, { not }] })),
      fc.tuple(object, inner).map(([first, second]) => ({ ...(first as object), allOf: [second] })),
    ),
  }
})
