/** What a stretch of an answer's text is. Arguments are of the call before them. */
export type Piece =
  | { kind: 'text' | 'reasoning' | 'arguments'; text: string }
  | { kind: 'call'; name: string }

/** Finds pieces in text that comes bit by bit: what it tells depends on the text alone, never on how that is cut. */
export interface PieceReader {
  push: (text: string) => Piece[]
  /** What was held back, when nothing more comes. */
  end: () => Piece[]
}

/** How much of the end of a text may be the beginning of a mark. */
export function maybeMark(text: string, mark: string): number {
  for (let size = Math.min(mark.length - 1, text.length); size > 0; size--)
    if (mark.startsWith(text.slice(-size))) return size
  return 0
}

/** Collects pieces. White space beside calls is theirs: it becomes text only when text follows it. */
export class Pieces {
  #pieces: Piece[] = []
  #white = ''
  #beside = true
  #called = false

  text(text: string): void {
    if (text === '') return
    if (this.#beside && text.trim() === '') {
      this.#white += text
      return
    }
    this.#pieces.push({ kind: 'text', text: this.#white + text })
    this.#white = ''
    this.#beside = false
  }

  call(pieces: readonly Piece[]): void {
    if (pieces.length === 0) return
    this.#white = ''
    this.#beside = true
    this.#called = true
    this.#pieces.push(...pieces)
  }

  take(): Piece[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  end(): Piece[] {
    if (this.#white !== '' && !this.#called) this.#pieces.push({ kind: 'text', text: this.#white })
    return this.take()
  }
}
