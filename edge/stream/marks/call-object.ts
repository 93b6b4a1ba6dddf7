import { z } from 'zod'
import { JsonValue } from './json-value.ts'
import type { Piece } from './piece.ts'

/** The way every model nearly always writes it. Arguments are told from here on, as they come. */
const HEAD =
  /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/
const HEAD_CHARS = 512
const FIRST_KEY = /^\{\s*"([^"\\]*)"/
const KEYS = new Set(['name', 'arguments', 'parameters', 'type', 'id', 'function'])

const Whole = z.object({
  name: z.string(),
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  parameters: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
})

/** `{"name":…,"arguments":{…}}` bit by bit. A call of a function that is not offered is none. */
export class CallObject {
  readonly #names: ReadonlySet<string>
  readonly #whole = new JsonValue()
  #part = new JsonValue()
  #state: 'head' | 'arguments' | 'tail' | 'closed' | 'broken' = 'head'
  #raw = ''

  constructor(names: ReadonlySet<string>) {
    this.#names = names
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** It is none: all that it took is text. */
  get broken(): boolean {
    return this.#state === 'broken'
  }

  /** A call was told of. */
  get told(): boolean {
    return this.#state !== 'head' && this.#state !== 'broken'
  }

  /** All that it took, which is text where no call was told of. */
  get raw(): string {
    return this.#raw
  }

  /** `rest` is what follows it, once it is closed. */
  push(text: string): { pieces: Piece[]; rest: string } {
    if (this.#state === 'head') return this.#head(text)
    const pieces: Piece[] = []
    return { pieces, rest: this.#body(text, pieces) }
  }

  #head(text: string): { pieces: Piece[]; rest: string } {
    const before = this.#raw.length
    this.#raw += text
    // Looked at from its start with every token: a long one is known for what it is, or for none, by then.
    const start = before < HEAD_CHARS ? this.#raw.slice(0, HEAD_CHARS) : undefined
    const match = start === undefined ? null : HEAD.exec(start)
    if (match) {
      const name = parsed(match[1] ?? '')
      if (typeof name !== 'string' || !this.#names.has(name)) return this.#break()
      this.#state = 'arguments'
      const pieces: Piece[] = [{ kind: 'call', name }]
      return { pieces, rest: this.#body(this.#raw.slice(match[0].length), pieces) }
    }
    if (start !== undefined && !mayBegin(start)) return this.#break()
    const end = this.#whole.end(text)
    if (end === undefined) return { pieces: [], rest: '' }
    return this.#closeAt(before + end)
  }

  /** Written in another order than usual: told at once when it is there. */
  #closeAt(end: number): { pieces: Piece[]; rest: string } {
    const { data } = Whole.safeParse(parsed(this.#raw.slice(0, end)))
    if (!data || !this.#names.has(data.name)) return this.#break()
    this.#state = 'closed'
    const its = data.arguments ?? data.parameters ?? {}
    const text = typeof its === 'string' ? its : JSON.stringify(its)
    const pieces: Piece[] = [
      { kind: 'call', name: data.name },
      { kind: 'arguments', text },
    ]
    return { pieces, rest: this.#raw.slice(end) }
  }

  #body(text: string, pieces: Piece[]): string {
    if (text === '') return ''
    const end = this.#part.end(text)
    const its = text.slice(0, end)
    if (this.#state === 'arguments') pieces.push({ kind: 'arguments', text: its })
    if (end === undefined) return ''
    const rest = text.slice(end)
    if (this.#state === 'tail') {
      this.#state = 'closed'
      return rest
    }
    this.#state = 'tail'
    this.#part = new JsonValue(1)
    return this.#body(rest, pieces)
  }

  #break(): { pieces: Piece[]; rest: string } {
    this.#state = 'broken'
    return { pieces: [], rest: '' }
  }
}

/** Another object is text as soon as that is known, and not only at its end. */
function mayBegin(text: string): boolean {
  const object = text.trimStart()
  const isLong = text.length >= HEAD_CHARS
  if (object === '') return !isLong
  if (!/^\{\s*(?:"|$)/.test(object)) return false
  const [, key] = FIRST_KEY.exec(object) ?? []
  return key === undefined ? !isLong : KEYS.has(key)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
