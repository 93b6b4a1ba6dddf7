import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { Log } from '../ports.ts'
import { KEEP_ALIVE_LINE } from './body.ts'
import type { Choice } from './chat-completion.ts'
import { chatHeadOf, usageOf } from './chat-head.ts'
import { tellerOf } from './chat-tellers.ts'
import { ahead, ENDINGS, idLine } from './position.ts'
import { interleave } from './interleave.ts'

const utf8 = new TextEncoder()

type Head = Pick<AnswerHead, 'id' | 'model' | 'admittedAtMs' | 'reading'>

interface Opening {
  includeUsage: boolean
  /** How many choices there are. */
  choices: number
  job: JobId | undefined
}

/** The first events of a chat, which name the role. The first line gets past a proxy that waits for a byte. */
export function chatOpening(head: Head, { includeUsage, choices, job }: Opening): Uint8Array {
  let text: string = KEEP_ALIVE_LINE
  for (let index = 0; index < choices; index++)
    text += `${job ? idLine(job, 0) : ''}${baseOf(head)},"choices":[{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usageIn(includeUsage)}}\n\n`
  return utf8.encode(text)
}

function baseOf(head: Head): string {
  const { id, created, model, ...rest } = chatHeadOf(head)
  const event = { id, object: 'chat.completion.chunk', created, model, ...rest }
  return `data: ${JSON.stringify(event).slice(0, -1)}`
}
const usageIn = (included: boolean): string => (included ? ',"usage":null' : '')

interface ChatEventsOptions {
  includeUsage: boolean
  log: Log
  /** Aborted when the reader left: there is no one to tell anything. */
  signal: AbortSignal
  /** For a reader that may come back: every event then says the position that it leads to. Of one choice only. */
  job?: JobId
  /** The position that the reader is at. */
  after?: number
}

/**
 * A chat answer as server-sent events, exactly as OpenAI's SDKs read them: the choices as they come after the opening,
 * then `[DONE]`. A stream that failed ends with an error event and without `[DONE]`, so that no client takes it for whole.
 */
export async function* chatEvents(
  choices: readonly [Choice, ...Choice[]],
  { includeUsage, log, signal, job, after = 0 }: ChatEventsOptions,
): AsyncGenerator<Uint8Array> {
  const [{ head }] = choices
  const base = baseOf(head)
  const usage = usageIn(includeUsage)
  const tellers = choices.map((choice, index) =>
    tellerOf(choice.head, { base, usage, index, job, after }),
  )
  let ended = false
  try {
    if (choices.length === 1)
      for await (const frames of choices[0].answer) {
        const text = said(0, frames)
        if (text) yield utf8.encode(text)
      }
    else
      for await (const [i, frames] of interleave(choices.map(({ answer }) => answer))) {
        const text = said(i, frames)
        if (text) yield utf8.encode(text)
      }
    if (!ended) throw new Failure('internal', 'The answer ended without its last frame.')
  } catch (thrown) {
    if (signal.aborted || ended) return
    const failure = Failure.from(thrown)
    log.warn(
      { id: head.id, code: failure.code, cause: failure.cause },
      'a stream ended with an error',
    )
    yield utf8.encode(`data: ${JSON.stringify(failure.toOpenAi())}\n\n`)
  }

  function said(i: number, frames: readonly Uint8Array[]): string {
    const text = tellers[i]?.tell(frames) ?? ''
    if (ended || tellers.some(({ end }) => end === undefined)) return text
    const last = ending()
    ended = true
    return text + last
  }

  /** The finish and the usage have a position each, so that a reader that comes back gets neither twice. */
  function ending(): string {
    const ends = tellers.flatMap(({ end }) => end ?? [])
    const finish = ends[0]?.after ?? 0
    const last = finish - 1 + ENDINGS
    if (after > last) throw ahead(after, last)
    if (!includeUsage || after > finish) return 'data: [DONE]\n\n'
    const all = usageOf(
      ends.map((end) => end.usage),
      head.reading.marks?.thinking !== undefined,
    )
    return `${job ? idLine(job, last) : ''}${base},"choices":[],"usage":${JSON.stringify(all)}}\n\ndata: [DONE]\n\n`
  }
}
