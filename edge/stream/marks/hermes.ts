import { CallObject } from './call-object.ts'
import { maybeMark, Pieces, type PieceReader } from './piece.ts'

const OPEN = '<tool_call>'
const CLOSE = '</tool_call>'

type State = 'text' | 'call' | 'close'

/** Calls between tags, any number of them, with text around. What is between tags and no call stays text, tags and all. */
export function hermesReader(names: ReadonlySet<string>): PieceReader {
  const out = new Pieces()
  let state: State = 'text'
  let held = ''
  /** Before what is held of a closing tag. */
  let white = ''
  let object = new CallObject(names)

  /** Each step takes what it can, and answers what is left for the next. */
  const steps: Record<State, (text: string) => string> = {
    text(text) {
      held += text
      const at = held.indexOf(OPEN)
      const until = at >= 0 ? at : held.length - maybeMark(held, OPEN)
      out.text(held.slice(0, until))
      const rest = at >= 0 ? held.slice(at + OPEN.length) : ''
      held = at >= 0 ? '' : held.slice(until)
      if (at < 0) return ''
      state = 'call'
      object = new CallObject(names)
      return rest
    },
    call(text) {
      const { pieces, rest } = object.push(text)
      out.call(pieces)
      if (object.closed) state = 'close'
      if (!object.broken) return rest
      state = 'text'
      out.text(OPEN)
      return object.raw
    },
    close(text) {
      const more = held === '' ? text.trimStart() : text
      white += text.slice(0, text.length - more.length)
      held += more
      if (CLOSE.startsWith(held)) return ''
      const rest = held.startsWith(CLOSE) ? held.slice(CLOSE.length) : white + held
      held = ''
      white = ''
      state = 'text'
      return rest
    },
  }

  return {
    push(text) {
      let rest = text
      do rest = steps[state](rest)
      while (rest !== '')
      return out.take()
    },
    end() {
      if (state === 'text') out.text(held)
      else if (state === 'call' && !object.told) out.text(OPEN + object.raw)
      return out.end()
    },
  }
}
