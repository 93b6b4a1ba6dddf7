import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import * as fc from 'fast-check'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { test as base } from 'vitest'
import { readSchema } from '../../../../proto/schema/read-schema.ts'
import { BadSchema, type Shapes } from '../../../../proto/schema/shape.ts'
import { gbnfOf } from './gbnf.ts'
import { schema } from './schemas.fixture.ts'
import { walk } from './walk.fixture.ts'

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9 })
addFormats.default(ajv)

const test = base.extend('testerOf', { scope: 'file' }, async ({}, { onCleanup }) => {
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    maxThreads: 0,
  })
  onCleanup(() => llama.dispose())
  return async (grammar: string) => {
    const made = await llama.createGrammar({ grammar })
    const fits = Reflect.get(made, '_testText') as (text: string) => boolean
    return (text: string): boolean => fits.call(made, text)
  }
})

function readable(asked: unknown): Shapes | undefined {
  try {
    return readSchema(asked)
  } catch (thrown) {
    if (thrown instanceof BadSchema) return undefined
    throw thrown
  }
}

const WALKS = 12

/** Dice that are thrown for a walk: the same numbers, the same way. */
function dice(thrown: readonly number[]): (below: number) => number {
  let at = 0
  return (below) => ((thrown[at++ % thrown.length] ?? 0) + at * 7919) % below
}

const kept = schema
  .map((asked) => ({ asked, shapes: readable(asked) }))
  .filter((read): read is { asked: typeof read.asked; shapes: Shapes } => read.shapes !== undefined)

test('every text that a grammar can make is a value of its schema', async ({
  testerOf,
  expect,
}) => {
  const throws = fc.array(fc.nat(), { minLength: 50, maxLength: 50 })
  const property = fc.asyncProperty(kept, throws, async ({ asked, shapes }, thrown) => {
    const grammar = gbnfOf(shapes)
    const lets = await testerOf(grammar)
    const validate = ajv.compile(asked as object)
    const draw = dice(thrown)
    for (let i = 0; i < WALKS; i++) {
      const text = walk(grammar, draw)
      expect(validate(JSON.parse(text)), `${text} of ${JSON.stringify(asked)}`).toBe(true)
      expect(lets(text), `llama.cpp stops ${text} of ${JSON.stringify(asked)}`).toBe(true)
    }
  })
  await fc.assert(property, { numRuns: 120, interruptAfterTimeLimit: 60_000 })
}, 120_000)

test('most schemas that have a value are kept', ({ expect }) => {
  const asked = fc.sample(schema, { numRuns: 300, seed: 1 })
  expect(asked.filter(readable).length).toBeGreaterThan(150)
})
