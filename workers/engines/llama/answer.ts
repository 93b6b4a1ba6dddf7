import type { End, Finish } from '../../../proto/frame.ts'
import { StopMatcher } from './stop-matcher.ts'

export interface AnswerRules {
  /** The bytes a token stands for. */
  pieceOf: (id: number) => Uint8Array
  isEnd: (id: number) => boolean
  stop: readonly string[]
  /** A text that ends the answer, too, and that nobody asked for. */
  lastMark?: string | undefined
  /** Tokens at most, by the caller's wish and by the room in the context. */
  limit: number
}

/** What a token did: the text it made visible, and whether the answer ends with it. */
export interface Said {
  text: string
  finish: Finish | undefined
  /** The model's mark that it is done, which is no part of an answer, unless held-back text needs it to go with. */
  silent: boolean
}

/**
 * The text of an answer, token by token. It is a function of the ids alone, so that whoever takes an answer over goes
 * through the ids that were emitted and then shows exactly what has not been shown.
 */
export class Answer {
  readonly ids: number[] = []
  readonly #rules: AnswerRules
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #stops: StopMatcher
  #finish: Finish | undefined

  constructor(rules: AnswerRules) {
    this.#rules = rules
    this.#stops = new StopMatcher(
      rules.lastMark === undefined ? rules.stop : [...rules.stop, rules.lastMark],
    )
  }

  get finish(): Finish | undefined {
    return this.#finish
  }

  /** What its end says beside how much was read for it. */
  get ending(): Pick<End, 'stop'> {
    const { found } = this.#stops
    return found === undefined || !this.#rules.stop.includes(found) ? {} : { stop: found }
  }

  take(id: number): Said {
    this.ids.push(id)
    let text = ''
    const mark = this.#rules.isEnd(id)
    if (mark) this.#finish = 'stop'
    else {
      text = this.#stops.push(this.#utf8.decode(this.#rules.pieceOf(id), { stream: true }))
      if (this.#stops.stopped) this.#finish = 'stop'
      else if (this.ids.length >= this.#rules.limit) this.#finish = 'length'
    }
    // Held-back text goes with the last token: after it there is none to carry it.
    if (this.#finish) text += this.#stops.push(this.#utf8.decode()) + this.#stops.flush()
    return { text, finish: this.#finish, silent: mark && text === '' }
  }
}
