import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { CompletionChunk } from '../../proto/openai/completions.ts'
import type { Log } from '../ports.ts'
import { KEEP_ALIVE_LINE } from '../stream/body.ts'
import { interleave } from '../stream/interleave.ts'
import { partsOf, type Part } from '../stream/parts.ts'
import { ahead, ENDINGS, idLine } from '../stream/position.ts'
import type { Choice } from './choices.ts'
import { UsageSum, type CompletionHead } from './completion-head.ts'
import { legacyLogprobs } from './legacy-logprobs.ts'

const utf8 = new TextEncoder()

export interface CompletionEventsOptions {
  includeUsage: boolean
  log: Log
  /** Aborted when the reader left, and there is no one to tell anything; and by us, where one choice ends all. */
  hangup: AbortController
  /** For a reader of one choice that may come back: every event then says the position that it leads to. */
  job?: JobId
  /** The position that the reader is at; nothing for one that begins, which is shown what it wants echoed. */
  after?: number
}

/** A completion as server-sent events: of each choice its texts and its finish, then the usage of all, then `[DONE]`. */
export function completionEvents(
  choices: readonly Choice[],
  head: CompletionHead,
  options: CompletionEventsOptions,
): { opening: Uint8Array; events: AsyncGenerator<Uint8Array> } {
  const { includeUsage, job, log, hangup, after = 0 } = options
  const base = JSON.stringify(head).slice(0, -1)
  const tail = includeUsage ? ',"usage":null}\n\n' : '}\n\n'
  const offsets = choices.map(({ echo }) => echo.length)
  const sum = new UsageSum()

  const at = (position: number): string => (job ? idLine(job, position) : '')
  const chunk = (position: number, choice: CompletionChunk['choices'][number]): string =>
    `${at(position)}data: ${base},"choices":[${JSON.stringify(choice)}]${tail}`

  function say(one: Choice, number: number, part: Part): string {
    const { index, counts } = one
    if (part.kind === 'text') {
      const { text } = part
      const offset = offsets[number] ?? 0
      offsets[number] = offset + text.length
      const logprobs = legacyLogprobs(part.logprobs, { text, offset })
      return chunk(part.after, { index, text, logprobs, finish_reason: null })
    }
    if (part.kind !== 'end') return ''
    if (after > part.after + ENDINGS - 1) throw ahead(after, part.after + ENDINGS - 1)
    sum.add(part.usage, counts)
    if (after >= part.after) return ''
    const finish_reason = part.finish === 'length' ? 'length' : 'stop'
    return chunk(part.after, { index, text: '', logprobs: null, finish_reason })
  }

  async function* events(): AsyncGenerator<Uint8Array> {
    const sources = choices.map((choice) => partsOf(choice.answer, choice.head, { after }))
    let last = 0
    try {
      for await (const [number, parts] of interleave(sources)) {
        const choice = choices[number]
        if (!choice) continue
        let text = ''
        for (const part of parts) {
          text += say(choice, number, part)
          last = part.after
        }
        if (text) yield utf8.encode(text)
      }
    } catch (thrown) {
      if (hangup.signal.aborted) return
      hangup.abort()
      const failure = Failure.from(thrown)
      log.warn(
        { id: head.id, code: failure.code, cause: failure.cause },
        'a stream ended with an error',
      )
      yield utf8.encode(`data: ${JSON.stringify(failure.toOpenAi())}\n\n`)
      return
    }
    const usage = `${at(last + 1)}data: ${base},"choices":[],"usage":${JSON.stringify(sum.usage)}}\n\n`
    yield utf8.encode(`${includeUsage && after <= last ? usage : ''}data: [DONE]\n\n`)
  }

  const echoed = choices
    .filter(({ echo }) => echo !== '' && options.after === undefined)
    .map(({ index, echo }) => chunk(0, { index, text: echo, logprobs: null, finish_reason: null }))
  return { opening: utf8.encode(KEEP_ALIVE_LINE + echoed.join('')), events: events() }
}
