import type { CallSyntax } from '../../../proto/calling.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Marks of calls that a family writes as control tokens, which are no text: without them nobody would find the calls. */
const CONTROL: Partial<Record<CallSyntax, ReadonlySet<string>>> = {
  mistral: new Set(['[TOOL_CALLS]', '[ARGS]', '[CALL_ID]']),
}

/** After it there is one call, and whatever comes is the next. */
export const LAST_MARK: Partial<Record<CallSyntax, string>> = { hermes: '</tool_call>' }

/** The bytes that a token shows, those of its model's marks included. */
export function withMarks(
  { pieceOf, nameOf, size }: Pick<Vocabulary, 'pieceOf' | 'nameOf' | 'size'>,
  syntax: CallSyntax,
): (id: number) => Uint8Array {
  const names = CONTROL[syntax]
  if (!names) return pieceOf
  const shown = new Map<number, Uint8Array>()
  const text = new TextDecoder()
  for (let id = 0; id < size; id++) {
    const { bytes, isText } = nameOf(id)
    if (!isText && names.has(text.decode(bytes))) shown.set(id, bytes)
  }
  return (id) => shown.get(id) ?? pieceOf(id)
}
