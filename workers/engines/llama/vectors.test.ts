import { describe, test as base } from 'vitest'
import type { Output } from '../../../proto/frame.ts'
import type { EmbedJob } from '../../../proto/job.ts'
import { decodeVector } from '../../../proto/vector.ts'
import { engineContract, hear } from '../engine.contract.ts'
import type { VectorSpec } from '../engine-spec.ts'
import { sampleEmbed } from '../sample-jobs.ts'
import { llamaEmbedEngine } from './embed-engine.ts'
import { juneChat } from './june-chat.fixture.ts'
import { llamaRerankEngine } from './rerank-engine.ts'

/** The built-in chat model, which was never trained to make vectors: they are real, and mean little. */
const untrained: VectorSpec = {
  model: 'june-chat',
  file: juneChat.file,
  slots: 2,
  contextTokens: 128,
  dimensions: [64],
  gpu: 'cpu',
}

const TEXTS = ['What is NATS?', 'A broker.', 'Who keeps the jobs?', 'A worker.', 'What is NATS?']
const taskOf = (job: EmbedJob, from = 0) => ({
  job,
  from,
  prefix: [],
  input: (async function* () {})(),
})

engineContract(
  'llama embeddings of an untrained model',
  () => llamaEmbedEngine(untrained),
  (from) => taskOf(sampleEmbed('june-chat', TEXTS), from),
)

const test = base.extend('engine', { scope: 'file' }, async ({}, { onCleanup }) => {
  const engine = await llamaEmbedEngine(untrained)
  onCleanup(() => engine[Symbol.asyncDispose]())
  return engine
})

const vectorsIn = (outputs: readonly Output[]): number[][] =>
  outputs.flatMap((output) => (output.kind === 'bytes' ? [decodeVector(output.bytes)] : []))
const promptTokens = (outputs: readonly Output[]): number =>
  outputs.reduce((sum, output) => sum + (output.kind === 'end' ? output.promptTokens : 0), 0)

describe('a vector of a GGUF', () => {
  test('has length 1, and is the same for the same text', async ({ engine, expect }) => {
    const { outputs } = await hear(engine, taskOf(sampleEmbed('june-chat', TEXTS)))
    const vectors = vectorsIn(outputs)
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 4)
    expect(vectors[4]).toEqual(vectors[0])
    expect(vectors[1]).not.toEqual(vectors[0])
  })

  test('is counted alike for an answer that was taken over', async ({ engine, expect }) => {
    const job = sampleEmbed('june-chat', TEXTS)
    const whole = await hear(engine, taskOf(job))
    const rest = await hear(engine, taskOf(job, 3))
    expect(promptTokens(whole.outputs)).toBeGreaterThan(TEXTS.length * 2)
    expect(promptTokens(rest.outputs)).toBe(promptTokens(whole.outputs))
  })

  test('is cut where the model was trained for it, and has length 1 again', async ({
    engine,
    expect,
  }) => {
    const [text = ''] = TEXTS
    const cut = await hear(engine, taskOf(sampleEmbed('june-chat', [text], { dimensions: 64 })))
    const whole = await hear(engine, taskOf(sampleEmbed('june-chat', [text])))
    const [short = [], long = []] = [...vectorsIn(cut.outputs), ...vectorsIn(whole.outputs)]
    expect(short).toHaveLength(64)
    expect(Math.hypot(...short)).toBeCloseTo(1, 4)
    const beginning = long.slice(0, 64)
    const scaled = short.map((value) => value * Math.hypot(...beginning))
    expect(scaled.map((value) => value.toFixed(4))).toEqual(
      beginning.map((value) => value.toFixed(4)),
    )
  })

  test('may be asked for by the ids of its tokens', async ({ engine, expect }) => {
    const { outputs } = await hear(engine, taskOf(sampleEmbed('june-chat', [[5, 6, 7]])))
    expect(vectorsIn(outputs)).toHaveLength(1)
    expect(promptTokens(outputs)).toBeGreaterThanOrEqual(3)
  })

  test.for<[string, EmbedJob['inputs'], Pick<EmbedJob, 'dimensions'>, object]>([
    ['a text that is too long', ['a', 'word '.repeat(200)], {}, { param: 'input[1]' }],
    ['a text of a megabyte', ['x'.repeat(1_000_000)], {}, { param: 'input' }],
    ['a token that is none', [[1, 1e9]], {}, { code: 'invalid', param: 'input' }],
    [
      'dimensions it was not trained for',
      ['a'],
      { dimensions: 63 },
      { code: 'invalid', param: 'dimensions' },
    ],
    [
      'more dimensions than it has',
      ['a'],
      { dimensions: 100_000 },
      { code: 'invalid', param: 'dimensions' },
    ],
  ])('is refused of %s', async ([, inputs, more, why], { engine, expect }) => {
    const asked = hear(engine, taskOf(sampleEmbed('june-chat', inputs, more)))
    await expect(asked).rejects.toMatchObject(why)
  })
})

base('a model that does not rank is not loaded to rank', async ({ expect }) => {
  await expect(llamaRerankEngine(untrained)).rejects.toThrow(
    'The model "june-chat" could not be loaded: it is no model that ranks.',
  )
})
