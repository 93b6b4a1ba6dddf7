import { BadRequestError } from 'openai'
import { describe, expect, test } from 'vitest'
import { Ranking } from '../../proto/openai/rerank.ts'
import { faultsBy } from './openai-schema.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'

const EMBEDDINGS = '/v1/embeddings'
const RERANK = '/v1/rerank'
const model = 'june-embed'
const input = ['The broker keeps the jobs.', 'Which jobs does a broker keep?', 'Soup']

const dot = (a: readonly number[] = [], b: readonly number[] = []): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)

const fault = (param: string) => ({ status: 400, error: { param } })

/** Vectors and ranks, by the models of words that are always there. */
export function embeddings(stack: () => Stack): void {
  const post = (path: string, json: unknown, headers: Record<string, string> = {}) =>
    stack().fetch(path, { key: stack().admin, json, headers })
  const refused = async (path: string, json: unknown): Promise<unknown> => {
    const response = await post(path, json)
    return { status: response.status, ...((await response.json()) as object) }
  }

  describe('embeddings', () => {
    test('come one for each text, by the official library as it asks by default', async () => {
      const openai = stack().openai()
      const { data, usage } = await openai.embeddings.create({ model, input })
      expect(data.map(({ index }) => index)).toEqual([0, 1, 2])
      const [first, second, third] = data.map(({ embedding }) => embedding)
      expect(dot(first, first)).toBeCloseTo(1, 5)
      expect(dot(first, second)).toBeGreaterThan(dot(first, third) + 0.3)
      expect(usage).toEqual({ prompt_tokens: 12, total_tokens: 12 })
    })

    test('are the same as numbers and as base64, and what OpenAI says they are', async () => {
      const response = await post(EMBEDDINGS, { model, input, encoding_format: 'float' })
      const told = (await response.json()) as { data: { embedding: number[] }[] }
      expect(faultsBy('CreateEmbeddingResponse', told)).toEqual([])
      const { data } = await stack().openai().embeddings.create({ model, input })
      const [asNumbers, asBase64] = [told.data, data].map((all) =>
        all.map(({ embedding }) => embedding.map(Math.fround)),
      )
      expect(asNumbers).toEqual(asBase64)
    })

    test('are as short as was asked, where the model makes them so', async () => {
      const asked = { model, input, dimensions: 256 }
      const { data } = await stack().openai().embeddings.create(asked)
      expect(data.map(({ embedding }) => embedding.length)).toEqual([256, 256, 256])
      const wrong = stack()
        .openai()
        .embeddings.create({ ...asked, dimensions: 255 })
      await expect(wrong).rejects.toThrow(BadRequestError)
    })

    test('of more texts than a worker may be ahead come whole', async () => {
      const many = Array.from({ length: 300 }, (_, i) => `text ${i}`)
      const { data, usage } = await stack().openai().embeddings.create({ model, input: many })
      expect(data).toHaveLength(300)
      expect(new Set(data.map(({ embedding }) => embedding.join())).size).toBe(300)
      expect(usage.prompt_tokens).toBe(600)
    })

    test('are made once for a key, and told again', async () => {
      const headers = { 'idempotency-key': `vectors-${stack().runtime}` }
      const first = await post(EMBEDDINGS, { model, input }, headers)
      const second = await post(EMBEDDINGS, { model, input }, headers)
      expect(second.headers.get('idempotency-replayed')).toBe('true')
      expect(await second.json()).toEqual(await first.json())
    })

    test('are counted by what was read, and nothing else', async () => {
      const response = await post(EMBEDDINGS, { model, input })
      await response.json()
      expect(await stack().ledger(String(response.headers.get('x-generation-id')))).toMatchObject({
        type: 'final',
        kind: 'embed',
        outcome: 'done',
        usage: { promptTokens: 12, cachedTokens: 0, completionTokens: 0 },
      })
    })

    test.for<[string, object]>([
      ['input', { model }],
      ['input', { model, input: '' }],
      ['input', { model, input: [] }],
      ['input', { model, input: 7 }],
      ['input[1]', { model, input: ['a', ''] }],
      ['input[1]', { model, input: ['a', 7] }],
      ['input[1]', { model, input: [[1], []] }],
      ['input', { model, input: [1, -1] }],
      ['input', { model, input: [1, 2] }],
      ['input', { model, input: Array.from({ length: 2049 }, () => 'a') }],
      ['encoding_format', { model, input, encoding_format: 'hex' }],
      ['dimensions', { model, input, dimensions: 0 }],
      ['model', { model: 'echo-1-0-0', input }],
      ['model', { model: 'june-rerank', input }],
    ])('are refused by %s', async ([param, json]) => {
      expect(await refused(EMBEDDINGS, json)).toMatchObject(fault(param))
    })

    test('are nothing that one can chat with, or rank', async () => {
      const chat = { model, messages: hello }
      expect(await refused('/v1/chat/completions', chat)).toMatchObject({
        status: 400,
        error: { param: 'model', message: expect.stringContaining('/v1/embeddings') },
      })
      const ranking = { model, query: 'a', documents: ['a'] }
      expect(await refused(RERANK, ranking)).toMatchObject(fault('model'))
    })
  })

  describe('a ranking', () => {
    const asked = { model: 'june-rerank', query: 'Who keeps jobs?', documents: input }

    test('has the best document first', async () => {
      const response = await post(RERANK, asked)
      const ranking = Ranking.strict().parse(await response.json())
      const scores = ranking.results.map((each) => each.relevance_score)
      expect(ranking.results.map(({ index }) => index).at(-1)).toBe(2)
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
      expect(ranking).toMatchObject({ object: 'list', usage: { prompt_tokens: 15 } })
      expect(ranking.results[0]).not.toHaveProperty('document')
    })

    test('tells as many as was asked, with their texts', async () => {
      const documents = [{ text: 'Soup' }, { text: 'jobs' }]
      const response = await post(RERANK, { ...asked, documents, top_n: 1, return_documents: true })
      expect(await response.json()).toMatchObject({
        results: [{ index: 1, document: { text: 'jobs' } }],
      })
    })

    test.for<[string, object]>([
      ['query', { query: '' }],
      ['documents', { documents: [] }],
      ['documents[1]', { documents: ['a', 7] }],
      ['documents', { documents: Array.from({ length: 2049 }, () => 'a') }],
      ['top_n', { top_n: 0 }],
      ['model', { model: 'echo-1-0-0' }],
    ])('is refused by %s of %j', async ([param, wrong]) => {
      expect(await refused(RERANK, { ...asked, ...wrong })).toMatchObject(fault(param))
    })
  })

  test('models of vectors are listed beside the others', async () => {
    const { data } = await stack().openai().models.list()
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(['june-embed', 'june-rerank']))
  })
}
