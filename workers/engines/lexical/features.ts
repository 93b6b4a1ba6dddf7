import { Failure } from '../../../proto/failure.ts'
import { normalised } from '../../../proto/vector.ts'
import { hashOf } from './hash.ts'
import { isFunctionWord, stemOf, wordsOf } from './words.ts'

export const DIMENSIONS = 1024
/** Each is a fold of the one before it: whoever asks for fewer gets the same features in fewer places. */
export const FOLDS = [1024, 512, 256, 128, 64]

/** Lengths of the pieces of words that count beside the words: words of one root share some. */
const SHORTEST_PIECE = 3
const LONGEST_PIECE = 5
/** What the pieces of a word weigh together, where the word itself weighs 1. */
const PIECES = 0.8
const FUNCTION_WORD = 0.02

/**
 * A text as a vector of length 1, by its words alone. The features are its words, without the ending of a plural, and
 * pieces of 3 to 5 characters of them. A feature that is there n times weighs 1 + ln n (Manning, Raghavan and Schuetze:
 * Introduction to Information Retrieval, 6.4.1), and goes to the place and with the sign that its hash says, so that
 * features which share a place cancel out on average (Weinberger et al.: Feature hashing for large scale multitask
 * learning, 2009). Texts are near each other where they share words; of what words mean it knows nothing.
 */
export function vectorOf(words: readonly string[], dimensions = DIMENSIONS): Float32Array {
  const counts = new Map<string, number>()
  for (const word of words) {
    const stem = stemOf(word)
    counts.set(stem, (counts.get(stem) ?? 0) + 1)
  }
  const vector = new Float64Array(dimensions)
  const add = (feature: string, weight: number): void => {
    const hash = hashOf(feature)
    const place = hash % dimensions
    vector[place] = (vector[place] ?? 0) + (hash & 0x8000_0000 ? -weight : weight)
  }
  for (const [word, count] of counts) {
    const weight = (1 + Math.log(count)) * (isFunctionWord(word) ? FUNCTION_WORD : 1)
    add(word, weight)
    const pieces = piecesOf(word)
    for (const piece of pieces) add(piece, (weight * PIECES) / Math.sqrt(pieces.length))
  }
  return normalised(vector)
}

/** Between marks of where the word begins and ends, which no word has. */
function piecesOf(word: string): string[] {
  const chars = Array.from(`<${word}>`)
  const pieces: string[] = []
  for (let size = SHORTEST_PIECE; size <= LONGEST_PIECE; size++)
    for (let at = 0; at + size <= chars.length; at++)
      pieces.push(`#${chars.slice(at, at + size).join('')}`)
  return pieces
}

/** What one text is read of in a turn of the event loop: more of it would keep others waiting. */
export const MAX_WORDS = 8192

/** The words of a text. One without words is itself the only one. */
export function readWords(text: string, param = 'input'): string[] {
  const words = wordsOf(text)
  if (words.length > MAX_WORDS)
    throw new Failure(
      'context_too_long',
      `This model reads at most ${MAX_WORDS} words at once; '${param}' has ${words.length}. Send it in parts.`,
      { param },
    )
  return words.length > 0 ? words : [text.trim()]
}

/** Of two vectors of length 1: 1 where they are the same, and 0 where they share nothing. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}
