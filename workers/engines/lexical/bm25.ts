import { isFunctionWord, stemOf } from './words.ts'

/** How soon more of the same word is no more, and how much a long document must have more of it. */
const K1 = 1.2
const B = 0.75

/**
 * How well documents answer a query by BM25 (Robertson and Zaragoza: The probabilistic relevance framework, 2009), with
 * how rare a word is among these very documents as ln(1 + (N - n + 0.5) / (n + 0.5)), which is never below 0. Each score is
 * told as a part of the highest there could be, so that it lies between 0 and 1 and the order is BM25's.
 */
export function bm25(
  query: readonly string[],
  documents: readonly (readonly string[])[],
): number[] {
  const terms = [...new Set(query.filter((word) => !isFunctionWord(word)).map(stemOf))]
  // A query of nothing but function words is about them.
  const wanted = terms.length > 0 ? terms : [...new Set(query.map(stemOf))]
  const counts = documents.map((words) => countsOf(words, wanted))
  const average = documents.reduce((sum, { length }) => sum + length, 0) / documents.length || 1
  const rarity = wanted.map((term) => {
    const having = counts.filter((each) => each.has(term)).length
    return Math.log(1 + (documents.length - having + 0.5) / (having + 0.5))
  })
  const highest = rarity.reduce((sum, each) => sum + each * (K1 + 1), 0) || 1
  return documents.map(({ length }, i) => {
    const slack = K1 * (1 - B + (B * length) / average)
    const score = wanted.reduce((sum, term, at) => {
      const count = counts[i]?.get(term) ?? 0
      return sum + ((rarity[at] ?? 0) * count * (K1 + 1)) / (count + slack)
    }, 0)
    return score / highest
  })
}

function countsOf(words: readonly string[], wanted: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  const terms = new Set(wanted)
  for (const word of words) {
    const stem = stemOf(word)
    if (terms.has(stem)) counts.set(stem, (counts.get(stem) ?? 0) + 1)
  }
  return counts
}
