import { Failure } from '../../proto/failure.ts'
import type { ResponseEvent } from '../../proto/openai/response-events.ts'
import type { ResponseObject } from '../../proto/openai/responses.ts'
import type { Log, Looked } from '../ports.ts'
import { KEEP_ALIVE_LINE } from '../stream/body.ts'
import type { Part } from '../stream/parts.ts'
import { retell } from './look-at.ts'
import { tellResponse, type Told } from './tell-response.ts'

const utf8 = new TextEncoder()

/** Numbers events from 0 and writes those after a number as lines of an event stream. */
export class EventLines {
  readonly #after: number
  #next = 0
  #text = ''

  constructor(after: number) {
    this.#after = after
  }

  /** The number of the event that was told last. */
  get last(): number {
    return this.#next - 1
  }

  readonly emit = (event: Told): void => {
    const sequence_number = this.#next++
    if (sequence_number > this.#after) this.#write({ ...event, sequence_number })
  }

  /** One that is of this reading and not of the response: it takes no number from those that follow elsewhere. */
  interrupt({
    message,
    param,
    code,
  }: {
    message: string
    param: string | null
    code: string | null
  }): void {
    this.#write({ type: 'error', code, message, param, sequence_number: Math.max(this.last, 0) })
  }

  take(): Uint8Array | undefined {
    if (this.#text === '') return undefined
    const bytes = utf8.encode(this.#text)
    this.#text = ''
    return bytes
  }

  #write(event: ResponseEvent): void {
    this.#text += `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  }
}

interface ResponseEventsOptions {
  /** The number of the last event that the reader has; -1 for none. */
  after: number
  log: Log
  /** Aborted when the reader left: there is no one to tell anything. */
  signal: AbortSignal
}

export interface ResponseStream {
  /** What is known before the first token: it gets past a proxy that waits for a byte. */
  opening: Uint8Array
  events: AsyncGenerator<Uint8Array>
}

/** A response as server-sent events, exactly as OpenAI's SDKs read them. There is no `[DONE]`: the last event says it. */
export function responseEvents(
  parts: AsyncIterable<readonly Part[]>,
  base: ResponseObject,
  { after, log, signal }: ResponseEventsOptions,
): ResponseStream {
  const lines = new EventLines(after)
  const telling = tellResponse(base, lines.emit)
  telling.begin()
  const begun = lines.take()

  async function* events(): AsyncGenerator<Uint8Array> {
    try {
      for await (const some of parts) {
        for (const part of some) telling.tell(part)
        const bytes = lines.take()
        if (bytes) yield bytes
      }
      if (after > lines.last) lines.interrupt(ahead(after, lines.last))
    } catch (thrown) {
      if (signal.aborted) return
      const failure = Failure.from(thrown)
      log.warn({ id: base.id, code: failure.code, cause: failure.cause }, 'a response ended badly')
      // Its reader lost it, and not we: it goes on, and may be had elsewhere from this number on.
      if (failure.code === 'unavailable') lines.interrupt(failure.toOpenAi().error)
      else telling.fail(failure)
    }
    const bytes = lines.take()
    if (bytes) yield bytes
  }
  const opening = utf8.encode(KEEP_ALIVE_LINE)
  return { opening: begun ? joined(opening, begun) : opening, events: events() }
}

const ahead = (after: number, last: number): { message: string; param: string; code: null } => ({
  message: `starting_after is ${after}, and the last event of the response is ${last}.`,
  param: 'starting_after',
  code: null,
})

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}

/** The events of a response that is over, all at once. */
export function retoldEvents(looked: Looked, after: number): ResponseStream {
  const lines = new EventLines(after)
  retell(looked, lines.emit)
  if (after > lines.last) lines.interrupt(ahead(after, lines.last))
  const bytes = lines.take()
  return { opening: bytes ?? utf8.encode(KEEP_ALIVE_LINE), events: nothing() }
}

/** All was said in the opening. */
async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* []
}
