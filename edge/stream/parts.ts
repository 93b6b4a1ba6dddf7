import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { Usage } from '../../proto/ledger.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { Logprobs } from '../../proto/openai/chat.ts'
import { restOf } from '../jobs/reading.ts'
import type { Answer } from '../ports.ts'
import { logprobsOf, pieceOf } from './chat-parts.ts'
import { endOf } from './end-part.ts'
import { markedParts } from './marked-parts.ts'

/**
 * A piece of an answer as the public formats tell it. `after` is the position of a reader that has seen it: how many
 * tokens of the answer it then has, with the end counted as one more. Several parts of one token share it, so a reader
 * is at a position only when it has seen the last of them.
 */
export type Part = { after: number } & (
  | { kind: 'text'; text: string; logprobs: Logprobs | null }
  | { kind: 'reasoning'; text: string }
  /** A function is called. The number of a call counts from 0. */
  | { kind: 'call'; index: number; id: string; name: string }
  /** More of the JSON that a call's arguments are. */
  | { kind: 'arguments'; index: number; text: string }
  | {
      kind: 'end'
      finish: 'stop' | 'length' | 'tool_calls'
      /** Why it ended, where a caller must know more. */
      code: 'budget_exhausted' | null
      /** The stop string that ended it. */
      stop?: string
      usage: Usage & { reasoningTokens: number }
    }
)

export type EndPart = Extract<Part, { kind: 'end' }>

export interface PartsOptions {
  /** The position that the reader is at: parts up to it are left out. The end is always told. */
  after?: number
}

/** The parts of an answer as they come; `end` is the last. Throws the `Failure` of its job. */
export async function* partsOf(
  answer: Answer,
  head: Pick<AnswerHead, 'id' | 'reading'>,
  options: PartsOptions = {},
): AsyncGenerator<readonly Part[]> {
  const read = partsReader(head, options)
  for await (const frames of answer) {
    const parts = read(frames)
    if (parts.length > 0) yield parts
    if (parts.at(-1)?.kind === 'end') return
  }
  throw new Failure('internal', 'The answer ended without its last frame.')
}

/**
 * Makes parts of accepted frames, however these are cut. Those of an answer with marks begin at its first, whatever
 * `after` is: what a token is follows from all before it. `Answers.resume` sees to that.
 */
export function partsReader(
  { id, reading }: Pick<AnswerHead, 'id' | 'reading'>,
  { after = 0 }: PartsOptions = {},
): (frames: readonly Uint8Array[]) => Part[] {
  return reading.marks ? markedParts(id, reading.marks, after) : plainParts(after)
}

function plainParts(after: number): (frames: readonly Uint8Array[]) => Part[] {
  let tokens = 0
  return (frames) => {
    const parts: Part[] = []
    for (const bytes of restOf(frames, after)) {
      const frame = frameHead(bytes)
      if (!frame) continue
      tokens = Math.max(tokens, frame.seq + frame.count)
      const text = pieceOf(bytes, frame)
      const logprobs = logprobsOf(bytes, frame)
      if (text || logprobs) parts.push({ after: tokens, kind: 'text', text, logprobs })
      if (frame.kind === 'end')
        parts.push(endOf(decodeFrame(bytes) as End, { completionTokens: frame.seq }))
    }
    return parts
  }
}
