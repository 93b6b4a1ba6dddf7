/** A piece of a prompt. What people wrote is `literal`: no part of it is ever read as a control token. */
export interface Part {
  text: string
  literal: boolean
}

/** Private use: a template passes them on untouched. The em space shows whether it trims. */
const OPEN = '\uE000'
const CLOSE = '\uE001'
const PAD = '\u2003'
const MARK = new RegExp(`("?)(${PAD}?)${OPEN}(\\d+)${CLOSE}(${PAD}?)("?)`, 'gu')

/** The pads that came out beside a mark, and whether it is all that stands between quotes. */
interface Surroundings {
  before: string | undefined
  after: string | undefined
  quoted: boolean
}

interface Literal {
  text: string
  /** It comes with pads, and is trimmed where a template took one off. */
  padded: boolean
  /** Between quotes it is part of JSON that a template wrote. */
  quotable: boolean
}

/** What people wrote, on the way through one rendering of a template. */
export class Literals {
  readonly #texts: Literal[] = []
  readonly #isPlain: (text: string) => boolean

  constructor(isPlain: (text: string) => boolean) {
    this.#isPlain = isPlain
  }

  /** The mark that stands for the text of a message. */
  message(text: string, quotable = false): string {
    return `${PAD}${this.#mark({ text, padded: true, quotable })}${PAD}`
  }

  /**
   * Data that a template writes as JSON. Its texts go in as they are, for marks in the middle of JSON would cut it into
   * other tokens than the model was taught with; those that could be read as control tokens go in as marks.
   */
  data<T>(value: T): T
  data(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value)
    if (Array.isArray(value)) return value.map((each) => this.data<unknown>(each))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, its]) => [this.#text(name), this.data<unknown>(its)]),
    )
  }

  /** Puts everything where its mark came out. */
  put(rendered: string): Part[] {
    const parts: Part[] = []
    let at = 0
    for (const match of rendered.matchAll(MARK)) {
      const [whole, quote = '', before, index, after, unquote = ''] = match
      const literal = this.#texts[Number(index)]
      const text = literal
        ? shown(literal, { before, after, quoted: quote + unquote === '""' })
        : ''
      parts.push({ text: rendered.slice(at, match.index) + quote, literal: false })
      parts.push({ text, literal: true })
      at = match.index + whole.length - unquote.length
    }
    parts.push({ text: rendered.slice(at), literal: false })
    return parts.filter(({ text }) => text !== '')
  }

  #text(text: string): string {
    const isMark = text.includes(OPEN) || text.includes(PAD)
    if (!isMark && this.#isPlain(text)) return text
    return this.#mark({ text, padded: false, quotable: true })
  }

  #mark(literal: Literal): string {
    return `${OPEN}${this.#texts.push(literal) - 1}${CLOSE}`
  }
}

function shown(
  { text, padded, quotable }: Literal,
  { before, after, quoted }: Surroundings,
): string {
  const from = padded && before === '' ? text.trimStart() : text
  const its = padded && after === '' ? from.trimEnd() : from
  return quotable && quoted ? JSON.stringify(its).slice(1, -1) : its
}
