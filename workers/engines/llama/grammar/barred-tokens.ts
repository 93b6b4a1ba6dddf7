import type { Vocabulary } from '../vocabulary.ts'
import type { Bound } from './constraint.ts'
import { tailAfter, type Tail } from './utf8-tail.ts'

type Tokens = Pick<Vocabulary, 'pieceOf' | 'size'> & { isEnd: (id: number) => boolean }

/**
 * Tokens that llama.cpp's grammars let through and a text does not: those that would break a character, and control
 * tokens, whose names it takes for text. Which they are depends on where in a character the text ends; each list is made
 * when it is needed.
 */
export class BarredTokens {
  readonly #tokens: Tokens
  readonly #lists = new Map<Tail, Bound>()

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  after(tail: Tail): Bound {
    const known = this.#lists.get(tail)
    if (known) return known
    const ids = this.idsAfter(tail)
    const tokenBiasValues = new Float32Array(ids.length).fill(-Infinity)
    const bound = ids.length === 0 ? {} : { tokenBiasKeys: Uint32Array.from(ids), tokenBiasValues }
    this.#lists.set(tail, bound)
    return bound
  }

  idsAfter(tail: Tail): number[] {
    const { pieceOf, size, isEnd } = this.#tokens
    const ids: number[] = []
    for (let id = 0; id < size; id++) {
      const piece = pieceOf(id)
      const isText = piece.byteLength > 0 && tailAfter(tail, piece) !== undefined
      if (!isText && !isEnd(id)) ids.push(id)
    }
    return ids
  }
}
