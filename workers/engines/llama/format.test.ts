import type { Output } from '../../../proto/frame.ts'
import { describe, test as base } from 'vitest'
import { z } from 'zod'
import type { Sampling } from '../../../proto/job.ts'
import { engineContract, hear } from '../engine.contract.ts'
import { ask, juneChat, taskOf } from './june-chat.fixture.ts'
import { llamaEngine } from './llama-engine.ts'

const schemas = {
  person: {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 12 },
      age: { type: 'integer', minimum: -7, maximum: 120 },
      tags: { type: 'array', items: { enum: ['a', 'b"', 'ü'] }, minItems: 1, maxItems: 3 },
      ok: { type: ['boolean', 'null'] },
    },
    required: ['name', 'tags', 'ok'],
    additionalProperties: false,
  },
  expression: {
    $ref: '#/$defs/expression',
    $defs: {
      expression: {
        anyOf: [
          { type: 'integer', minimum: 0, maximum: 9 },
          {
            type: 'object',
            properties: { op: { enum: ['+', '-'] }, left: { $ref: '#/$defs/expression' } },
            required: ['op', 'left'],
            additionalProperties: false,
          },
        ],
      },
    },
  },
  /** Long enough for a model at its hottest to come upon the bytes of characters that it has no tokens for. */
  text: { type: 'string', minLength: 60, maxLength: 60 },
} satisfies Record<string, z.core.JSONSchema.JSONSchema>

const held = (schema: object, more: Partial<Sampling> = {}) =>
  ask('Tell me of a worker.', {
    maxTokens: 400,
    format: { kind: 'schema', schema: JSON.stringify(schema) },
    ...more,
  })

engineContract(
  'llama, held to a schema,',
  () => llamaEngine(juneChat),
  (_, prefix) => taskOf(held(schemas.person, { temperature: 1.5, seed: 3, logprobs: 1 }), prefix),
)

const test = base.extend('engine', { scope: 'file' }, async ({}, { onCleanup }) => {
  const engine = await llamaEngine(juneChat)
  onCleanup(() => engine[Symbol.asyncDispose]())
  return engine
})

const SAMPLINGS = [
  { temperature: 0 },
  ...Array.from({ length: 8 }, (_, seed) => ({ temperature: 2, seed })),
  { temperature: 1.2, frequencyPenalty: 0.7, presencePenalty: 0.4, seed: 2 },
]

const cameToAnEnd = ({ outputs }: { outputs: readonly Output[] }): boolean =>
  outputs.some((output) => output.kind === 'end' && output.finish === 'stop')

describe('an answer held to a schema', () => {
  test.for(Object.entries(schemas))('is valid: %s', async ([, schema], { engine, expect }) => {
    const valid = z.fromJSONSchema(schema)
    const said = new Set<string>()
    for (const sampling of SAMPLINGS) {
      const { texts, outputs } = await hear(engine, taskOf(held(schema, sampling)))
      const text = texts.join('')
      expect(outputs.at(-1)).toMatchObject({ kind: 'end', finish: 'stop' })
      expect(valid.safeParse(JSON.parse(text)).error, text).toBeUndefined()
      expect(text).not.toContain('\uFFFD')
      said.add(text)
    }
    expect(said.size).toBeGreaterThan(1)
  })

  test.for(Object.entries(schemas))(
    'goes on exactly, at every token: %s',
    async ([, schema], { engine, expect }) => {
      for (const sampling of SAMPLINGS.slice(0, 3)) {
        const job = held(schema, { ...sampling, logprobs: 2 })
        const whole = await hear(engine, taskOf(job))
        for (let cut = 0; cut <= whole.ids.length; cut++) {
          const rest = await hear(engine, taskOf(job, whole.ids.slice(0, cut)))
          expect(rest.said).toEqual(whole.said.slice(cut))
          expect(rest.outputs.at(-1)).toMatchObject({ kind: 'end', finish: 'stop' })
        }
      }
    },
  )

  test('ends at a stop string all the same, also one that is cut by a takeover', async ({
    engine,
    expect,
  }) => {
    const free = await hear(engine, taskOf(held(schemas.person)))
    const stop = [free.texts.join('').slice(6, 16)]
    const job = held(schemas.person, { stop, logprobs: 0 })
    const whole = await hear(engine, taskOf(job))
    expect(whole.texts.join('')).toBe(free.texts.join('').slice(0, 6))
    for (let cut = 0; cut <= whole.ids.length; cut++) {
      const rest = await hear(engine, taskOf(job, whole.ids.slice(0, cut)))
      expect(rest.said).toEqual(whole.said.slice(cut))
    }
  })

  test('leaves its slot to others as it found it', async ({ engine, expect }) => {
    const jobs = [0, 1, 2, 3, 4, 5].map((seed) => ask('What is NATS?', { temperature: 1, seed }))
    const alone = []
    for (const job of jobs) alone.push((await hear(engine, taskOf(job))).said)
    const mixed = await Promise.all(
      jobs.map(async (job, i) => {
        const beside = hear(engine, taskOf(held(schemas.person, SAMPLINGS[i])))
        const { said } = await hear(engine, taskOf(job))
        await beside
        return said
      }),
    )
    expect(mixed).toEqual(alone)
  })

  test('that asks for JSON is an object', async ({ engine, expect }) => {
    const format = { kind: 'json' as const }
    const answers = await Promise.all(
      Array.from({ length: 13 }, (_, seed) =>
        hear(engine, taskOf(ask('hi', { temperature: 2, seed, maxTokens: 400, format }))),
      ),
    )
    // Some words never come to an end within the limit; those that do are JSON.
    const whole = answers.filter(cameToAnEnd)
    expect(whole.length).toBeGreaterThan(0)
    for (const { texts } of whole) expect(JSON.parse(texts.join(''))).toBeTypeOf('object')
  })

  test.for<[object, string]>([
    [{ type: 'string', pattern: '(?=a)' }, 'At "pattern"'],
    [{ $ref: '#' }, 'cannot be kept'],
  ])(
    'is refused where the schema cannot be kept: %j',
    async ([schema, why], { engine, expect }) => {
      await expect(hear(engine, taskOf(held(schema)))).rejects.toMatchObject({
        code: 'invalid',
        param: 'response_format',
        message: expect.stringContaining(why),
      })
    },
  )
})
