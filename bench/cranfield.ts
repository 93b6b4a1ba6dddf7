import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Cleverdon's Cranfield collection (1967): 1,400 abstracts, 225 questions, and who judged which to answer which. */
export interface Cranfield {
  documents: string[]
  queries: string[]
  /** By query: the gain of each document that answers it. */
  gains: Map<number, number>[]
}

/** From its three files as they are handed on: `cran.all.1400`, `cran.qry` and `cranqrel`. */
export async function readCranfield(dir: string): Promise<Cranfield> {
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'latin1')
  const [documents, queries, judged] = await Promise.all(
    ['cran.all.1400', 'cran.qry', 'cranqrel'].map(read),
  )
  const gains = textsIn(queries).map(() => new Map<number, number>())
  for (const line of (judged ?? '').trim().split('\n')) {
    const [query = 0, document = 0, grade = 0] = line.trim().split(/\s+/).map(Number)
    // 1 is a complete answer and 4 a useful background; 5 and -1 are of no interest.
    const gain = grade >= 1 && grade <= 4 ? 5 - grade : 0
    if (gain > 0) gains[query - 1]?.set(document - 1, gain)
  }
  return { documents: textsIn(documents), queries: textsIn(queries), gains }
}

const textsIn = (file = ''): string[] =>
  file
    .split(/^\.I .*$/m)
    .slice(1)
    .map((each) => fieldOf(each, 'T', 'W'))

/** Abstracts begin with their titles again: a field is taken once. */
function fieldOf(entry: string, ...names: string[]): string {
  const fields = new Map(
    entry
      .split(/^\.(?=[TABW]\s*$)/m)
      .map((field) => [field.slice(0, 1), field.slice(1).replaceAll(/\s+/g, ' ').trim()]),
  )
  const texts = names.map((name) => fields.get(name) ?? '')
  const [title = '', body = ''] = texts
  return body.startsWith(title) ? body : texts.join(' ')
}

/** nDCG of the first `size` (Jaervelin and Kekaelaeinen 2002), with the gains as they are and log2(place + 1). */
export function ndcg(
  ranked: readonly number[],
  gains: ReadonlyMap<number, number>,
  size = 10,
): number {
  const dcg = (all: readonly number[]): number =>
    all.slice(0, size).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)
  const best = dcg([...gains.values()].toSorted((a, b) => b - a))
  return best === 0 ? 0 : dcg(ranked.map((document) => gains.get(document) ?? 0)) / best
}
