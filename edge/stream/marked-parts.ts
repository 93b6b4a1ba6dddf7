import type { Marks } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { JobId } from '../../proto/ids.ts'
import type { TokenLogprob } from '../../proto/openai/chat.ts'
import { logprobsOf } from './chat-parts.ts'
import { endOf } from './end-part.ts'
import { markedReader } from './marks/marked-reader.ts'
import type { Piece } from './marks/piece.ts'
import type { Part } from './parts.ts'

/**
 * The parts of an answer that is not all plain text. What they are follows from its tokens one by one, from the first on,
 * so that every reader sees the same ones at every position, wherever frames are cut and whichever gateway reads.
 */
export function markedParts(
  id: JobId,
  marks: Marks,
  after: number,
): (frames: readonly Uint8Array[]) => Part[] {
  const reader = markedReader(marks)
  const mostCalls = marks.calls?.parallel === false ? 1 : Infinity
  let tokens = 0
  let calls = 0
  let reasoningTokens = 0
  let scores: TokenLogprob[] = []

  function take(pieces: readonly Piece[], position: number, parts: Part[]): void {
    for (const piece of pieces) {
      const part = partOf(piece, position)
      if (part && position > after) join(parts, part)
    }
  }

  function partOf(piece: Piece, position: number): Part | undefined {
    if (piece.kind === 'text') {
      const logprobs = scores.length === 0 ? null : { content: scores, refusal: null }
      scores = []
      return { after: position, ...piece, kind: 'text', logprobs }
    }
    // Of what is no content OpenAI tells no probabilities.
    scores = []
    if (piece.kind === 'reasoning') return { after: position, ...piece, kind: 'reasoning' }
    const index = piece.kind === 'call' ? calls++ : calls - 1
    if (calls > mostCalls) return undefined
    if (!('name' in piece)) return { after: position, kind: 'arguments', index, text: piece.text }
    return { after: position, kind: 'call', index, id: callId(id, index), name: piece.name }
  }

  function read(bytes: Uint8Array, parts: Part[]): void {
    const head = frameHead(bytes)
    if (head?.kind === 'end') parts.push(...ending(decodeFrame(bytes) as End, head.seq))
    if (head?.kind !== 'tokens') return
    if (head.seq !== tokens)
      throw new Failure('internal', 'An answer was not read from its beginning.')
    const frame = decodeFrame(bytes)
    if (frame.kind !== 'tokens') return
    const told = logprobsOf(bytes, head)?.content
    for (const [i, text] of frame.texts.entries()) {
      const thought = reader.thinking
      if (thought) scores = []
      if (told) scores.push(...told.slice(i, i + 1))
      take(reader.push(text), ++tokens, parts)
      if (thought || reader.thinking) reasoningTokens++
    }
  }

  /** What was held back is told with the end, at the end's own position. */
  function ending(end: End, total: number): Part[] {
    const parts: Part[] = []
    take(reader.end(), total + 1, parts)
    const counted = { completionTokens: total, reasoningTokens, called: calls > 0 }
    return [...parts, endOf(end, counted)]
  }

  return (frames) => {
    const parts: Part[] = []
    for (const bytes of frames) read(bytes, parts)
    return parts
  }
}

/**
 * What came together is told together. A part that shares its position with the one before it is not made longer: who has
 * seen that one alone is at the position, and would be told of the rest as if it had the beginning.
 */
function join(parts: Part[], part: Part): void {
  const last = parts.at(-1)
  const shares = parts.at(-2)?.after === last?.after && last?.after !== part.after
  if (!last || shares || !add(last, part)) parts.push(part)
  else last.after = part.after
}

function add(last: Part, { ...part }: Part): boolean {
  if (last.kind === 'text' && part.kind === 'text') {
    last.text += part.text
    const content = [...(last.logprobs?.content ?? []), ...(part.logprobs?.content ?? [])]
    last.logprobs = content.length === 0 ? null : { content, refusal: null }
    return true
  }
  const joins =
    (last.kind === 'reasoning' && part.kind === 'reasoning') ||
    (last.kind === 'arguments' && part.kind === 'arguments' && last.index === part.index)
  if (joins) last.text += part.text
  return joins
}

/** The same whoever reads, as often as it is read: of the random end of the job's id, and the number of the call. */
const callId = (id: JobId, index: number): string =>
  `call_${id.replaceAll('-', '').slice(-20)}${index.toString(36).padStart(2, '0')}`
