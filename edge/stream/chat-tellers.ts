import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import type { JobId } from '../../proto/ids.ts'
import type { ChatCompletionChunk } from '../../proto/openai/chat.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import { logprobsOf, pieceOf } from './chat-parts.ts'
import { endOf } from './end-part.ts'
import { partsReader, type EndPart, type Part } from './parts.ts'
import { idLine } from './position.ts'

/** Makes the events of one choice out of its accepted frames, and keeps how it ended. */
export interface Teller {
  tell: (frames: readonly Uint8Array[]) => string
  /** Once its last event was told. */
  end: EndPart | undefined
}

export interface TellOptions {
  /** The beginning of an event, up to the choices. */
  base: string
  /** The end of an event, from the choices on. */
  usage: string
  /** Of the choice. */
  index: number
  /** For a reader that may come back: every event then says the position that it leads to. */
  job: JobId | undefined
  /** The position that the reader is at. */
  after: number
}

export const tellerOf = (head: Pick<AnswerHead, 'id' | 'reading'>, options: TellOptions): Teller =>
  head.reading.marks ? markedTeller(head, options) : plainTeller(options)

/** Of an answer that is all plain text: an event a frame, on the way of every token of nearly every answer. */
function plainTeller({ base, usage, index, job, after }: TellOptions): Teller {
  const opening = `${base},"choices":[{"index":${index},"delta":{"content":`
  const closing = `,"finish_reason":null}]${usage}}\n\n`
  const teller: Teller = { tell, end: undefined }
  return teller

  function tell(frames: readonly Uint8Array[]): string {
    let text = ''
    for (const bytes of frames) {
      const frame = frameHead(bytes)
      if (!frame) continue
      const piece = pieceOf(bytes, frame)
      // A token that shows nothing has a probability all the same.
      const logprobs = logprobsOf(bytes, frame)
      if (piece || logprobs) {
        if (job) text += idLine(job, frame.seq + frame.count)
        const told = logprobs ? JSON.stringify(logprobs) : 'null'
        text += `${opening}${JSON.stringify(piece)}},"logprobs":${told}${closing}`
      }
      if (frame.kind !== 'end') continue
      teller.end = endOf(decodeFrame(bytes) as End, { completionTokens: frame.seq })
      if (after <= frame.seq) text += finishing(teller.end)
    }
    return text
  }

  function finishing(end: EndPart): string {
    const id = job ? idLine(job, end.after) : ''
    return `${id}${base},"choices":[{"index":${index},"delta":{},"logprobs":null,"finish_reason":"${end.finish}"${codeIn(end)}}]${usage}}\n\n`
  }
}

/** OpenAI has no word for a budget that ended: beside its own `length` this says which. */
const codeIn = ({ code }: EndPart): string => (code ? `,"code":"${code}"` : '')

type Delta = ChatCompletionChunk['choices'][number]['delta']

/** Of an answer in parts. Those of one position are one event: who has half of them would be told all of them again. */
function markedTeller(
  head: Pick<AnswerHead, 'id' | 'reading'>,
  { base, usage, index, job, after }: TellOptions,
): Teller {
  const read = partsReader(head, { after })
  const teller: Teller = { tell, end: undefined }
  return teller

  function tell(frames: readonly Uint8Array[]): string {
    let text = ''
    let together: Part[] = []
    for (const part of read(frames)) {
      if (part.kind === 'end') teller.end = part
      if (part.after <= after) continue
      if (together[0] && together[0].after !== part.after) text += event(together.splice(0))
      together.push(part)
    }
    if (together.length > 0) text += event(together)
    return text
  }

  function event(parts: readonly Part[]): string {
    const id = job ? idLine(job, parts[0]?.after ?? 0) : ''
    const logprobs = parts.flatMap((part) =>
      part.kind === 'text' ? (part.logprobs?.content ?? []) : [],
    )
    const end = parts.find((part) => part.kind === 'end')
    const choice = {
      index,
      delta: deltaOf(parts),
      logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
      finish_reason: end?.finish ?? null,
      ...(end?.code && { code: end.code }),
    }
    return `${id}${base},"choices":[${JSON.stringify(choice)}]${usage}}\n\n`
  }
}

function deltaOf(parts: readonly Part[]): Delta {
  const delta: Delta = {}
  const calls: NonNullable<Delta['tool_calls']> = []
  for (const part of parts) {
    if (part.kind === 'text') delta.content = (delta.content ?? '') + part.text
    if (part.kind === 'reasoning')
      delta.reasoning_content = (delta.reasoning_content ?? '') + part.text
    if (part.kind === 'call') {
      const { index, id, name } = part
      calls.push({ index, id, type: 'function', function: { name, arguments: '' } })
    }
    if (part.kind !== 'arguments') continue
    const last = calls.at(-1)
    if (last?.index === part.index)
      last.function.arguments = (last.function.arguments ?? '') + part.text
    else calls.push({ index: part.index, function: { arguments: part.text } })
  }
  return calls.length > 0 ? { ...delta, tool_calls: calls } : delta
}
