import { CallObject } from './call-object.ts'
import { Pieces, type PieceReader } from './piece.ts'

type State = 'before' | 'call' | 'text'

/** An answer that is one call's object from its start on, or several with a semicolon between; any other is text. */
export function llama3Reader(names: ReadonlySet<string>): PieceReader {
  const out = new Pieces()
  let state: State = 'before'
  let between = /^\s*/
  let held = ''
  let object = new CallObject(names)

  const steps: Record<State, (text: string) => string> = {
    before(text) {
      // What was held before is between calls, too.
      const next = text.replace(between, '')
      held += text.slice(0, text.length - next.length)
      if (next === '') return ''
      state = next.startsWith('{') ? 'call' : 'text'
      object = new CallObject(names)
      const rest = state === 'call' ? next : held + next
      if (state === 'text') held = ''
      return rest
    },
    call(text) {
      const { pieces, rest } = object.push(text)
      out.call(pieces)
      if (pieces.length > 0) held = ''
      if (object.closed) {
        state = 'before'
        between = /^[\s;,]*/
      }
      if (!object.broken) return rest
      state = 'text'
      return held + object.raw
    },
    text(text) {
      out.text(text)
      return ''
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
      if (state === 'before') out.text(held)
      if (state === 'call' && !object.told) out.text(held + object.raw)
      return out.end()
    },
  }
}
