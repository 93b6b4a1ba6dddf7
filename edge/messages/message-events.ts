import { Failure } from '../../proto/failure.ts'
import type { Log } from '../ports.ts'
import type { Part } from '../stream/parts.ts'
import { errorOf } from './error.ts'
import { endingOf, usageOf } from './head.ts'
import type { MessagesResponse } from '../../proto/anthropic/messages.ts'

const utf8 = new TextEncoder()

const event = (type: string, body: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`

export const messageOpening = (message: MessagesResponse): Uint8Array =>
  utf8.encode(event('message_start', { message }))

interface EventsOptions {
  requestId: string
  log: Log
  /** Aborted when the reader left: there is no one to tell anything. */
  signal: AbortSignal
}

/** An answer as the events that Anthropic's SDKs read: each block begins, grows and ends before the next. */
export async function* messageEvents(
  parts: AsyncIterable<readonly Part[]>,
  { requestId, log, signal }: EventsOptions,
): AsyncGenerator<Uint8Array> {
  const blocks = new Blocks()
  try {
    for await (const some of parts) {
      const text = some.map((part) => blocks.take(part)).join('')
      if (text) yield utf8.encode(text)
    }
  } catch (thrown) {
    if (signal.aborted) return
    const failure = Failure.from(thrown)
    log.warn(
      { requestId, code: failure.code, cause: failure.cause },
      'a stream ended with an error',
    )
    yield utf8.encode(event('error', errorOf(failure, requestId)))
  }
}

type Kind = 'text' | 'thinking' | 'tool_use'

/** Which block is open: of each kind of part, what it begins and how it grows. */
class Blocks {
  #index = -1
  #open: Kind | undefined

  take(part: Part): string {
    switch (part.kind) {
      case 'text':
        return part.text === ''
          ? ''
          : this.#in('text', { type: 'text', text: '' }) +
              this.#grow({ type: 'text_delta', text: part.text })
      case 'reasoning':
        return (
          this.#in('thinking', { type: 'thinking', thinking: '', signature: '' }) +
          this.#grow({ type: 'thinking_delta', thinking: part.text })
        )
      case 'call':
        return this.#begin('tool_use', {
          type: 'tool_use',
          id: part.id,
          name: part.name,
          input: {},
        })
      case 'arguments':
        return this.#grow({ type: 'input_json_delta', partial_json: part.text })
      case 'end':
        return (
          this.#end() +
          event('message_delta', { delta: endingOf(part), usage: usageOf(part) }) +
          event('message_stop', {})
        )
    }
  }

  #in(kind: Kind, block: object): string {
    return this.#open === kind ? '' : this.#begin(kind, block)
  }

  #begin(kind: Kind, block: object): string {
    const ended = this.#end()
    this.#open = kind
    this.#index++
    return ended + event('content_block_start', { index: this.#index, content_block: block })
  }

  #grow(delta: object): string {
    return event('content_block_delta', { index: this.#index, delta })
  }

  #end(): string {
    if (this.#open === undefined) return ''
    this.#open = undefined
    return event('content_block_stop', { index: this.#index })
  }
}
