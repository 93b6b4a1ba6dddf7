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

  const steps: Record<State, (text: string, pieces: Piece[]) => string> = {
    before(text) {
      held += text
      const next = held.trimStart()
      if (OPEN.startsWith(next)) return ''
      const opened = next.startsWith(OPEN)
      const rest = opened ? next.slice(OPEN.length) : held
      held = ''
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
      const pieces: Piece[] =
        held === '' ? [] : thought ? [{ kind: 'reasoning', text: held }] : then.push(held)
      return [...pieces, ...then.end()]
    },
  }
}
