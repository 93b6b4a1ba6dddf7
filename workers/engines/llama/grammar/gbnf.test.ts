import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { constantFrom, jsonValue, letrec, oneof, sample } from 'fast-check'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { describe, test as base } from 'vitest'
import { readSchema } from '../../../../proto/schema/read-schema.ts'
import { ANY_OBJECT } from '../../../../proto/schema/make-shape.ts'
import type { Shapes } from '../../../../proto/schema/shape.ts'
import { gbnfOf } from './gbnf.ts'

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9 })
addFormats.default(ajv)

/** Says of a text whether llama.cpp would let it through. */
const test = base.extend('fits', { scope: 'file' }, async ({}, { onCleanup }) => {
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    maxThreads: 0,
  })
  onCleanup(() => llama.dispose())
  return async (shapes: Shapes) => {
    const grammar = await llama.createGrammar({ grammar: gbnfOf(shapes) })
    const fits = Reflect.get(grammar, '_testText') as (text: string) => boolean
    return (text: string): boolean => fits.call(grammar, text)
  }
})

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 4 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    tags: { type: 'array', items: { enum: ['a', 'b"\\', 'ü'] }, minItems: 1, maxItems: 2 },
  },
  required: ['age'],
  additionalProperties: false,
}
const tree = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: { sub: { type: 'array', items: { $ref: '#/$defs/node' } }, v: { const: 1 } },
      required: ['v'],
      additionalProperties: false,
    },
  },
}
const schemas: Record<string, object> = {
  person,
  tree,
  optional: {
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'boolean' }, c: { type: 'number' } },
    additionalProperties: false,
  },
  map: { type: 'object', additionalProperties: { type: 'integer' } },
  either: {
    anyOf: [
      { type: 'string', maxLength: 2 },
      { type: ['null', 'integer'], minimum: 5 },
    ],
  },
  told: {
    oneOf: [
      {
        type: 'object',
        properties: { kind: { const: 'a' }, at: { type: 'string', format: 'date' } },
        required: ['kind', 'at'],
        additionalProperties: false,
      },
      {
        type: 'object',
        properties: { kind: { const: 'b' }, price: { type: 'number', minimum: 0.5, maximum: 20 } },
        required: ['kind'],
        additionalProperties: { type: 'boolean' },
      },
    ],
  },
  pair: { type: 'array', prefixItems: [{ type: 'string' }, { multipleOf: 5 }], items: false },
  names: {
    type: 'object',
    patternProperties: { '^x-': { type: 'integer' } },
    additionalProperties: false,
    maxProperties: 2,
  },
  merged: {
    allOf: [
      { $ref: '#/$defs/named' },
      { properties: { name: { pattern: '^[A-Z]' } }, required: ['name'] },
    ],
    $defs: { named: { type: 'object', properties: { name: { type: 'string', maxLength: 3 } } } },
  },
  other: { type: 'string', minLength: 1, not: { enum: ['no', 'never'] } },
  one: { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 1 },
  none: { type: 'array', maxItems: 0 },
}

const validOf = (name: string) => ajv.compile(schemas[name] ?? {})

/** Near to what the schemas mean, or it. */
const VALUES = [null, true, 1, 5, -1, 130, 131, 'a', 'ab', 'abc', 'ü', '👋👋', [], [true], {}]
const OBJECTS = [{ age: 1 }, { name: '👋', age: 3 }, { v: 1 }, { sub: [{ v: 1 }], v: 1 }, { x: 1 }]
const TOLD = [{ kind: 'b' }, { name: 'Abc' }, { 'x-1': 1 }]
const CANDIDATES: unknown[] = [...VALUES, ...OBJECTS, ...TOLD]

const many = (items: object) => ({ type: 'array', minItems: 900, maxItems: 900, items })
const some = (items: object) => ({ type: 'array', maxItems: 900, items })

describe('the grammar of a schema', () => {
  test.for<[string, string[]]>([
    ['person', ['{"age":0}', '{"name":"ab\\"c", "age": 130, "tags": ["b\\"\\\\","ü"]}']],
    ['tree', ['{"v":1}', '{"sub":[{"v":1}, {"sub":[],"v":1}],"v":1}']],
    ['optional', ['{}', '{"a":null}', '{"b":true,"c":-0.5e-10}', '{"a":null,"c":0}']],
    ['map', ['{}', '{"x":1,"y":-2}']],
    ['either', ['"ab"', 'null', '5', '999999999999999']],
    ['one', ['[true]']],
    ['none', ['[]']],
    ['told', ['{"kind":"a","at":"2024-02-29"}', '{"kind":"b"}', '{"kind":"b","price":0.50}']],
    ['told', ['{"kind":"b","price":19.90,"ok":true,"no":false}', '{"kind":"b","kinds":true}']],
    ['pair', ['[]', '["a"]', '["a",-15]', '["a",10.0]']],
    ['names', ['{}', '{"x-":1,"x-👋":2}']],
    ['merged', ['{"name":"Abc"}']],
    ['other', ['"n"', '"nope"', '"nev"', '"nevers"', '"\\n"']],
  ])('lets through what %s means', async ([name, texts], { fits, expect }) => {
    const lets = await fits(readSchema(schemas[name]))
    const valid = validOf(name)
    for (const text of texts) {
      expect(valid(JSON.parse(text)), text).toBe(true)
      expect(lets(text), text).toBe(true)
    }
  })

  test.for<[string, string[]]>([
    [
      'person',
      ['{}', '{"age":131}', '{"age":-1}', '{"age":1.5}', '{"age":01}', '{"name":"abcde","age":1}'],
    ],
    [
      'person',
      ['{"name":"","age":1}', '{"age":1,"tags":[]}', '{"age":1,"x":1}', '{"age":1', '{"age":1},'],
    ],
    ['tree', ['{"sub":[]}', '{"v":2}']],
    ['optional', ['{,"a":null}', '{"a":null,}', '{"b":true "c":1}']],
    ['optional', ['{"c":01}', '{"c":.5}', '{"c":1.}', '{"c":+1}', '{"c":1e}']],
    ['map', ['{"x":1.5}']],
    ['either', ['4', '"abc"', 'true']],
    ['one', ['[]', '[true,true]']],
    ['none', ['[1]']],
    ['told', ['{"kind":"a","at":"2023-02-29"}', '{"kind":"a"}', '{"kind":"b","at":"2024-01-01"}']],
    [
      'told',
      ['{"kind":"b","price":0.49}', '{"kind":"b","price":20.01}', '{"kind":"b","kind":true}'],
    ],
    ['pair', ['["a",3]', '["a",5,5]', '[5]']],
    ['names', ['{"y":1}', '{"x-1":1.5}', '{"x-1":1,"x-2":2,"x-3":3}']],
    ['merged', ['{}', '{"name":"abc"}', '{"name":"Abcd"}']],
    ['other', ['"no"', '"never"', '""']],
  ])('stops what %s does not mean', async ([name, texts], { fits, expect }) => {
    const lets = await fits(readSchema(schemas[name]))
    for (const text of texts) expect(lets(text), text).toBe(false)
  })

  test('lets nothing through that is not valid', async ({ fits, expect }) => {
    const { value } = letrec((tie) => ({
      value: oneof(
        jsonValue({ maxDepth: 2 }),
        constantFrom(...CANDIDATES),
        tie('value').map((inner) => [inner]),
        tie('value').map((inner) => ({ a: null, b: inner })),
      ),
    }))
    for (const schema of Object.values(schemas)) {
      const lets = await fits(readSchema(schema))
      const valid = ajv.compile(schema)
      const candidates: unknown[] = [...sample(value, 300), ...CANDIDATES]
      const through = candidates.filter((candidate) => lets(JSON.stringify(candidate)))
      expect(through.length).toBeGreaterThan(0)
      for (const candidate of through)
        expect(valid(candidate), JSON.stringify(candidate)).toBe(true)
    }
  })

  test('is never more than llama.cpp takes', async ({ fits, expect }) => {
    const string = { type: 'string', minLength: 900, maxLength: 900 }
    const all = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`p${i}`, {}]))
    const strings = Object.fromEntries(Array.from({ length: 22 }, (_, i) => [`p${i}`, string]))
    const objects = [{ properties: all }, { properties: strings }]
    for (const schema of [string, many(string), some(some(string)), ...objects])
      expect((await fits(readSchema(schema)))('x')).toBe(false)
  })

  test('of nothing but an object lets every object through', async ({ fits, expect }) => {
    const lets = await fits(ANY_OBJECT)
    for (const text of ['{}', '{"a":[1,{"b":"\\n"}],"c":1e9}', '{"👋":null}'])
      expect(lets(text), text).toBe(true)
    for (const text of ['[]', '"a"', '{"a":"\n"}', '{a:1}', "{'a':1}", '{"a":"\\u0041"}', '{}{}'])
      expect(lets(text), text).toBe(false)
  })
})
