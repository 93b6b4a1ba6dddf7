import { CallObject } from './call-object.ts'
import { JsonValue } from './json-value.ts'
import { maybeMark, Pieces, type PieceReader } from './piece.ts'

const MARK = '[TOOL_CALLS]'
const NAMED = /^\s*([A-Za-z0-9_-]{1,64})(?:\[CALL_ID\][A-Za-z0-9]*)?\[ARGS\]\s*(?=\{)/
/** What may yet be one of those. */
const NAME_BEGINS = /^\s*[A-Za-z0-9_-]{0,64}(?:\[[A-Z_]*\]?[A-Za-z0-9]*(?:\[[A-Z]*\]?)?\s*)?$/

/** With its name, white space and all: a regular expression looks at it again with every token. */
const HEAD_CHARS = 256

type State = 'text' | 'marked' | 'list' | 'call' | 'named'

/**
 * A mark, and then a list of calls, or one call's name and arguments (as later models write it). `held`: the mark was put
 * before the answer.
 */
export function mistralReader(names: ReadonlySet<string>, held: boolean): PieceReader {
  const out = new Pieces()
  let state: State = held ? 'marked' : 'text'
  let kept = ''
  /** What is text, too, where no call follows it. */
  let lead = held ? '' : MARK
  let object = new CallObject(names)
  let args = new JsonValue()

  const steps: Record<State, (text: string) => string> = {
    text(text) {
      kept += text
      const at = kept.indexOf(MARK)
      const until = at >= 0 ? at : kept.length - maybeMark(kept, MARK)
      out.text(kept.slice(0, until))
      const rest = at >= 0 ? kept.slice(at + MARK.length) : ''
      kept = at >= 0 ? '' : kept.slice(until)
      if (at < 0) return ''
      state = 'marked'
      lead = MARK
      return rest
    },
    marked(text) {
      kept += text
      const start = kept.slice(0, HEAD_CHARS)
      const at = start.search(/\S/)
      if (start[at] === '[') return turn('list', kept.slice(at + 1), kept.slice(0, at + 1))
      const [head, name = ''] = NAMED.exec(start) ?? []
      if (head === undefined && kept.length <= HEAD_CHARS && NAME_BEGINS.test(kept)) return ''
      if (head === undefined || !names.has(name)) return asText(kept)
      out.call([{ kind: 'call', name }])
      args = new JsonValue()
      return turn('named', kept.slice(head.length), '')
    },
    list(text) {
      // What was kept before is nothing but these, too.
      const next = text.replace(/^[\s,]*/, '')
      kept += text
      if (next === '') return ''
      if (next.startsWith(']') && lead === '') return turn('text', next.slice(1), '')
      if (!next.startsWith('{')) return asText(kept)
      object = new CallObject(names)
      return turn('call', next, kept.slice(0, kept.length - next.length))
    },
    call(text) {
      const { pieces, rest } = object.push(text)
      out.call(pieces)
      if (pieces.length > 0) lead = ''
      if (object.closed) state = 'list'
      return object.broken ? asText(object.raw) : rest
    },
    named(text) {
      const end = args.end(text)
      out.call([{ kind: 'arguments', text: text.slice(0, end) }])
      if (end === undefined) return ''
      state = 'text'
      return text.slice(end)
    },
  }

  function turn(to: State, rest: string, more: string): string {
    state = to
    kept = ''
    lead += more
    return rest
  }

  /** Put out first: in what follows it there may be a mark again. */
  function asText(rest: string): string {
    out.text(lead)
    lead = ''
    kept = ''
    state = 'text'
    return rest
  }

  return {
    push(text) {
      let rest = text
      do rest = steps[state](rest)
      while (rest !== '')
      return out.take()
    },
    end() {
      if (state === 'text') out.text(kept)
      else if (state === 'marked') out.text(lead + kept)
      else if (state === 'call' && !object.told) out.text(lead + object.raw)
      else if (state === 'list' && lead !== '') out.text(lead + kept)
      return out.end()
    },
  }
}
