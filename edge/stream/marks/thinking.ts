import type { Thinking } from '../../../proto/calling.ts'
import { maybeMark, type Piece, type PieceReader } from './piece.ts'

const OPEN = '<think>'
const CLOSE = '</think>'

export interface ThinkingReader extends PieceReader {
  /** Whether what comes next is thought. */
  readonly thinking: boolean
}

type State = 'before' | 'within' | 'after' | 'over'

/** Thoughts come first, if at all: the same marks later in an answer are text. What follows them goes to `then`. */
export function thinkingReader(where: Thinking, then: PieceReader): ThinkingReader {
  let state: State = 'before'
  let held = ''
  /** Before what is held of an opening mark. */
  let white = ''

  const steps: Record<State, (text: string, pieces: Piece[]) => string> = {
    before(text) {
      const more = held === '' ? text.trimStart() : text
      white += text.slice(0, text.length - more.length)
      held += more
      if (OPEN.startsWith(held)) return ''
      const opened = held.startsWith(OPEN)
      const rest = opened ? held.slice(OPEN.length) : white + held
      held = ''
      white = ''
      state = opened || where === 'opened' ? 'within' : 'over'
      return rest
    },
    within(text, pieces) {
      held += text
      const at = held.indexOf(CLOSE)
      const until = at >= 0 ? at : held.length - maybeMark(held, CLOSE)
      if (until > 0) pieces.push({ kind: 'reasoning', text: held.slice(0, until) })
      const rest = at >= 0 ? held.slice(at + CLOSE.length) : ''
      held = at >= 0 ? '' : held.slice(until)
      if (at >= 0) state = 'after'
      return rest
    },
    after(text) {
      const rest = text.trimStart()
      if (rest !== '') state = 'over'
      return rest
    },
    over(text, pieces) {
      pieces.push(...then.push(text))
      return ''
    },
  }

  return {
    get thinking() {
      return state === 'within' || (state === 'before' && where === 'opened')
    },
    push(text) {
      const pieces: Piece[] = []
      let rest = text
      do rest = steps[state](rest, pieces)
      while (rest !== '')
      return pieces
    },
    end() {
      const thought = state === 'within' || (state === 'before' && where === 'opened')
      const left = white + held
      const pieces: Piece[] =
        left === '' ? [] : thought ? [{ kind: 'reasoning', text: left }] : then.push(left)
      return [...pieces, ...then.end()]
    },
  }
}
