import { bm25 } from '../workers/engines/lexical/bm25.ts'
import { cosine, readWords, vectorOf } from '../workers/engines/lexical/features.ts'
import { mean } from '../workers/engines/lexical/rerank-engine.ts'
import { ndcg, readCranfield } from './cranfield.ts'

/** How many june-embed hands to june-rerank. */
const CANDIDATES = 100

/** node bench/retrieval.ts <folder of the Cranfield collection>: how well the built-in models find what was asked for. */
const [dir] = process.argv.slice(2)
if (dir === undefined) throw new Error('Name the folder of the Cranfield collection.')
const { documents, queries, gains } = await readCranfield(dir)
const words = documents.map((text) => readWords(text))
const vectors = words.map((each) => vectorOf(each))

const order = (scores: readonly number[]): number[] =>
  [...scores.keys()].toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))

function print(name: string, rank: (query: string[]) => number[]): void {
  const scores = queries.map((query, i) => ndcg(rank(readWords(query)), gains[i] ?? new Map()))
  const sum = scores.reduce((all, each) => all + each, 0)
  process.stdout.write(`${name.padEnd(44)} ${(sum / scores.length).toFixed(3)}\n`)
}

function nearest(query: string[], all = vectors, dimensions?: number): number[] {
  const asked = vectorOf(query, dimensions)
  return order(all.map((vector) => cosine(vector, asked)))
}

/** As the engine does it: what is rare is rare among the candidates. */
function reranked(query: string[]): number[] {
  const first = nearest(query).slice(0, CANDIDATES)
  const asked = vectorOf(query)
  const scores = bm25(
    query,
    first.map((document) => words[document] ?? []),
  ).map((score, i) => mean(score, cosine(asked, vectors[first[i] ?? 0] ?? asked)))
  return order(scores).map((i) => first[i] ?? -1)
}

process.stdout.write(`${documents.length} documents, ${queries.length} queries, nDCG@10\n`)
print('june-embed, 1024 dimensions', (query) => nearest(query))
const small = words.map((each) => vectorOf(each, 256))
print('june-embed, 256 dimensions', (query) => nearest(query, small, 256))
print(`june-rerank over its first ${CANDIDATES} of 1024`, reranked)
print('BM25 over all', (query) => order(bm25(query, words)))
