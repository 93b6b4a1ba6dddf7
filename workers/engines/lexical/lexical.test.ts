import { describe, test } from 'vitest'
import type { Output } from '../../../proto/frame.ts'
import type { EmbedJob, Job } from '../../../proto/job.ts'
import { decodeVector } from '../../../proto/vector.ts'
import { engineContract, hear } from '../engine.contract.ts'
import type { Task } from '../engine.ts'
import { sampleEmbed, sampleRerank } from '../sample-jobs.ts'
import { bm25 } from './bm25.ts'
import { lexicalEmbedEngine } from './embed-engine.ts'
import { cosine, FOLDS, readWords, vectorOf } from './features.ts'
import { lexicalRerankEngine } from './rerank-engine.ts'
import { stemOf } from './words.ts'

const TEXTS = ['The broker keeps the jobs.', 'Wings in a slipstream', 'Bánh mì', '…', 'jobs jobs']
const none = { prefix: [], input: (async function* () {})() }
const taskOf = (job: Job, from = 0): Task => ({ job, from, ...none })

engineContract(
  'lexical embeddings',
  async () => lexicalEmbedEngine(),
  (from) => taskOf(sampleEmbed('june-embed', TEXTS), from),
)
engineContract(
  'lexical ranking',
  async () => lexicalRerankEngine(),
  (from) => taskOf(sampleRerank('june-rerank', 'Who keeps a job?', TEXTS), from),
)

const vectorsIn = (outputs: readonly Output[]): number[][] =>
  outputs.flatMap((output) => (output.kind === 'bytes' ? [decodeVector(output.bytes)] : []))
const embedded = async (inputs: EmbedJob['inputs'], more: Pick<EmbedJob, 'dimensions'> = {}) =>
  hear(lexicalEmbedEngine(), taskOf(sampleEmbed('june-embed', inputs, more)))
const near = (a: string, b: string): number =>
  cosine(vectorOf(readWords(a)), vectorOf(readWords(b)))

describe('a lexical vector', () => {
  test.for(FOLDS)('of %d dimensions has length 1', async (dimensions, { expect }) => {
    const { outputs } = await embedded(TEXTS, { dimensions })
    const vectors = vectorsIn(outputs)
    expect(vectors.map(({ length }) => length)).toEqual(TEXTS.map(() => dimensions))
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  })

  test('is near those of texts with the same words, and words of the same root', ({ expect }) => {
    const [asked, other] = ['the wings of an aircraft', 'a recipe for soup']
    expect(near(asked, 'aircraft wing')).toBeGreaterThan(0.8)
    expect(near('aerodynamic', 'aerodynamics of a body')).toBeGreaterThan(near(asked, other) + 0.2)
    expect(Math.abs(near(asked, other))).toBeLessThan(0.15)
  })

  test('does not hang on how a text is written', ({ expect }) => {
    expect(near('Café, NOW', 'cafe\u0301 now')).toBeCloseTo(1, 6)
  })

  test('is counted by its words', async ({ expect }) => {
    const { outputs } = await embedded(['one two', 'three'])
    expect(outputs.at(-1)).toMatchObject({ kind: 'end', promptTokens: 3 })
  })

  test.for<[EmbedJob['inputs'], Pick<EmbedJob, 'dimensions'>, string]>([
    [[[1, 2]], {}, 'input'],
    [['a', [1]], {}, 'input[1]'],
    [['a'], { dimensions: 100 }, 'dimensions'],
    [['a', 'b '.repeat(8193)], {}, 'input[1]'],
  ])('is refused of %j, asked with %j', async ([inputs, more, param], { expect }) => {
    await expect(embedded(inputs, more)).rejects.toMatchObject({ param })
  })
})

const rank = async (query: string, documents: string[]): Promise<number[]> => {
  const job = sampleRerank('june-rerank', query, documents)
  return vectorsIn((await hear(lexicalRerankEngine(), taskOf(job))).outputs).flat()
}

describe('a lexical rank', () => {
  test('puts the document first that has the rare word of the query', async ({ expect }) => {
    const filler = 'the report of the committee on the budget'
    const scores = await rank('budget slipstream', [filler, `${filler} slipstream`, filler])
    expect(scores.indexOf(Math.max(...scores))).toBe(1)
    for (const score of scores) expect(score).toBeGreaterThanOrEqual(0)
    for (const score of scores) expect(score).toBeLessThanOrEqual(1)
  })

  test('of documents that share nothing with the query is next to nothing', async ({ expect }) => {
    const [score] = await rank('supersonic flow', ['a recipe for soup'])
    expect(score).toBeLessThan(0.05)
  })
})

test('BM25 is the formula of its paper', ({ expect }) => {
  const [two = 0, one, no] = bm25(
    ['x'],
    [
      ['x', 'x', 'y'],
      ['x', 'y', 'z'],
      ['y', 'y', 'y'],
    ],
  )
  // All are of average length: tf (k1 + 1) / (tf + k1), as a part of its limit k1 + 1.
  expect(two).toBeCloseTo(2 / 3.2, 10)
  expect(one).toBeCloseTo(1 / 2.2, 10)
  expect(no).toBe(0)
})

test.for([
  ['wings', 'wing'],
  ['bodies', 'body'],
  ['plates', 'plate'],
  ['mass', 'mass'],
  ['gas', 'gas'],
  ['radius', 'radius'],
])('%s is of the word %s', ([word = '', stem], { expect }) => {
  expect(stemOf(word)).toBe(stem)
})
