import { Failure } from '../../../proto/failure.ts'
import type { Output } from '../../../proto/frame.ts'
import { encodeVector } from '../../../proto/vector.ts'
import type { Engine } from '../engine.ts'
import { sleepUntil } from '../sleep-until.ts'
import { bm25 } from './bm25.ts'
import { cosine, MAX_WORDS, readWords, vectorOf } from './features.ts'

/**
 * Ranks documents by the words they share with a query: the mean of BM25 among the documents given (bm25.ts) and of the
 * cosine of the vectors of both (features.ts), from 0 to 1. BM25 alone knows of few documents how rare a word is, and
 * the vectors alone not at all. A token is a word; those of the query count once.
 */
export function lexicalRerankEngine({ slots = 4 } = {}): Engine {
  return {
    kind: 'rerank',
    slots,
    contextTokens: MAX_WORDS,
    stepMs: () => 0,
    run,
    async [Symbol.asyncDispose]() {},
  }
}

async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
  const { job, from } = task
  if (job.kind !== 'rerank')
    throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
  signal.throwIfAborted()
  const query = readWords(job.query, 'query')
  const documents: string[][] = []
  for (const [i, text] of job.documents.entries()) {
    await sleepUntil(0, signal)
    documents.push(readWords(text, `documents[${i}]`))
  }
  const promptTokens = documents.reduce((sum, { length }) => sum + length, query.length)
  yield { kind: 'prompt', promptTokens, cachedTokens: 0 }
  const scores = bm25(query, documents)
  const asked = vectorOf(query)
  for (const [i, words] of documents.entries()) {
    if (i < from) continue
    await sleepUntil(0, signal)
    yield {
      kind: 'bytes',
      bytes: encodeVector([mean(scores[i] ?? 0, cosine(asked, vectorOf(words)))]),
    }
  }
  yield { kind: 'end', finish: 'stop', promptTokens, cachedTokens: 0 }
}

/** Places that features share by chance may take a cosine a little below 0. */
export const mean = (bm25Score: number, nearness: number): number =>
  (bm25Score + Math.max(0, nearness)) / 2
