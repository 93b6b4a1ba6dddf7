import { Failure } from '../../proto/failure.ts'
import type { TokenLogprob } from '../../proto/openai/chat.ts'
import type {
  FunctionCall,
  OutputItem,
  OutputMessage,
  OutputText,
  ReasoningItem,
} from '../../proto/openai/response-items.ts'
import type { ResponseEvent } from '../../proto/openai/response-events.ts'
import type { ResponseObject } from '../../proto/openai/responses.ts'
import type { Part } from '../stream/parts.ts'

/** An event without its number: who emits it counts. */
type Unnumbered<E> = E extends ResponseEvent ? Omit<E, 'sequence_number'> : never
export type Told = Unnumbered<ResponseEvent>
export type Emit = (event: Told) => void

type Ended = Extract<Part, { kind: 'end' }>
type Logprobs = OutputText['logprobs']

/** One way to tell a response: begin, its parts in order, and one of the two ends. */
export interface Telling {
  begin(): void
  tell(part: Part): void
  /** It went wrong, or was cancelled: what there is of it stays. */
  fail(failure: Failure): void
  /** As it is now. */
  response(): ResponseObject
}

/**
 * Tells an answer as a response of OpenAI: what the parts make of `base`, and the events on the way there. Of the same
 * parts it makes the same events, whoever reads them and when: so a reader that comes back gets the rest by number.
 */
export function tellResponse(base: ResponseObject, emit: Emit): Telling {
  const output: OutputItem[] = []
  const suffix = base.id.slice('resp_'.length)
  let open: Open | undefined
  let response: ResponseObject = base

  const idOf = (prefix: string): string => `${prefix}_${suffix}_${output.length}`
  const begin = <O extends Open>(opened: O): O => {
    open = opened
    output.push(opened.item)
    opened.begin()
    return opened
  }
  const close = (status: 'completed' | 'incomplete' = 'completed'): void => {
    open?.close(status)
    open = undefined
  }
  const opened = <K extends Open['kind']>(
    kind: K,
    make: (at: Place) => Extract<Open, { kind: K }>,
  ): Extract<Open, { kind: K }> => {
    if (open?.kind === kind) return open as Extract<Open, { kind: K }>
    close()
    return begin(make({ output_index: output.length, emit }))
  }
  /** Items are shown as they are now: those that go on change later. */
  const now = (): ResponseObject => ({ ...response, output: structuredClone(output) })

  function end({ finish, code, usage }: Ended): void {
    const incomplete = finish === 'length'
    // An answer without a word is an answer all the same.
    if (output.length === 0) opened('message', (at) => openMessage(idOf('msg'), at))
    close(incomplete ? 'incomplete' : 'completed')
    response = {
      ...base,
      status: incomplete ? 'incomplete' : 'completed',
      incomplete_details: incomplete
        ? { reason: 'max_output_tokens', ...(code !== null && { code }) }
        : null,
      usage: usageOf(usage),
    }
    emit({ type: incomplete ? 'response.incomplete' : 'response.completed', response: now() })
  }

  return {
    begin() {
      emit({ type: 'response.created', response: base })
      if (base.status === 'queued') {
        emit({ type: 'response.queued', response: base })
        response = { ...base, status: 'in_progress' }
      }
      emit({ type: 'response.in_progress', response })
    },
    tell(part) {
      switch (part.kind) {
        case 'text':
          opened('message', (at) => openMessage(idOf('msg'), at)).add(
            part.text,
            (part.logprobs?.content ?? []).map(asOutput),
          )
          break
        case 'reasoning':
          opened('reasoning', (at) => openReasoning(idOf('rs'), at)).add(part.text)
          break
        case 'call':
          close()
          begin(openCall(idOf('fc'), part, { output_index: output.length, emit }))
          break
        case 'arguments':
          if (open?.kind !== 'call' || open.index !== part.index)
            throw new Failure('internal', 'The arguments of a call came without it.')
          open.add(part.text)
          break
        case 'end':
          end(part)
          break
      }
    },
    fail(failure) {
      close('incomplete')
      const cancelled = failure.code === 'cancelled'
      response = {
        ...base,
        status: cancelled ? 'cancelled' : 'failed',
        error: cancelled ? null : { code: errorCodeOf(failure), message: failure.message },
      }
      emit({ type: 'response.failed', response: now() })
    },
    response: now,
  }
}

interface Place {
  output_index: number
  emit: Emit
}

type Open = OpenMessage | OpenReasoning | OpenCall
interface OpenMessage extends Opened<'message', OutputMessage> {
  add(text: string, logprobs: Logprobs): void
}
interface OpenReasoning extends Opened<'reasoning', ReasoningItem> {
  add(text: string): void
}
interface OpenCall extends Opened<'call', FunctionCall> {
  index: number
  add(text: string): void
}

/** The item that is being made. */
interface Opened<K extends string, I extends OutputItem> {
  kind: K
  item: I
  begin(): void
  close(status: 'completed' | 'incomplete'): void
}

function openMessage(id: string, { output_index, emit }: Place): OpenMessage {
  const item: OutputMessage = {
    id,
    type: 'message',
    role: 'assistant',
    status: 'in_progress',
    content: [],
  }
  const part: OutputText = { type: 'output_text', text: '', annotations: [], logprobs: [] }
  const at = { item_id: id, output_index, content_index: 0 }
  return {
    kind: 'message',
    item,
    begin() {
      emit({
        type: 'response.output_item.added',
        output_index,
        item: { ...item, content: [] },
      })
      item.content.push(part)
      emit({ type: 'response.content_part.added', ...at, part: { ...part, logprobs: [] } })
    },
    add(text, logprobs) {
      part.text += text
      for (const one of logprobs) part.logprobs.push(one)
      emit({ type: 'response.output_text.delta', ...at, delta: text, logprobs })
    },
    close(status) {
      item.status = status
      const { text, logprobs } = part
      emit({ type: 'response.output_text.done', ...at, text, logprobs })
      emit({ type: 'response.content_part.done', ...at, part })
      emit({ type: 'response.output_item.done', output_index, item })
    },
  }
}

function openReasoning(id: string, { output_index, emit }: Place): OpenReasoning {
  const item: ReasoningItem = {
    id,
    type: 'reasoning',
    status: 'in_progress',
    summary: [],
    content: [],
  }
  const part = { type: 'reasoning_text' as const, text: '' }
  const at = { item_id: id, output_index, content_index: 0 }
  return {
    kind: 'reasoning',
    item,
    begin() {
      emit({ type: 'response.output_item.added', output_index, item: { ...item, content: [] } })
      item.content.push(part)
      emit({ type: 'response.content_part.added', ...at, part: { ...part } })
    },
    add(text) {
      part.text += text
      emit({ type: 'response.reasoning_text.delta', ...at, delta: text })
    },
    close(status) {
      item.status = status
      emit({ type: 'response.reasoning_text.done', ...at, text: part.text })
      emit({ type: 'response.content_part.done', ...at, part })
      emit({ type: 'response.output_item.done', output_index, item })
    },
  }
}

function openCall(
  id: string,
  call: { index: number; id: string; name: string },
  { output_index, emit }: Place,
): OpenCall {
  const item: FunctionCall = {
    id,
    type: 'function_call',
    status: 'in_progress',
    call_id: call.id,
    name: call.name,
    arguments: '',
  }
  const at = { item_id: id, output_index }
  return {
    kind: 'call',
    index: call.index,
    item,
    begin: () => emit({ type: 'response.output_item.added', output_index, item: { ...item } }),
    add(text) {
      item.arguments += text
      emit({ type: 'response.function_call_arguments.delta', ...at, delta: text })
    },
    close(status) {
      item.status = status
      const { name, arguments: text } = item
      emit({ type: 'response.function_call_arguments.done', ...at, name, arguments: text })
      emit({ type: 'response.output_item.done', output_index, item })
    },
  }
}

/** Here a token that is no text has no bytes, not `null`. */
const asOutput = (one: TokenLogprob): Logprobs[number] => ({
  ...one,
  bytes: one.bytes ?? [],
  top_logprobs: one.top_logprobs.map((top) => ({ ...top, bytes: top.bytes ?? [] })),
})

const usageOf = ({
  promptTokens,
  cachedTokens,
  completionTokens,
  reasoningTokens,
}: Ended['usage']): NonNullable<ResponseObject['usage']> => ({
  input_tokens: promptTokens,
  input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
  output_tokens: completionTokens,
  output_tokens_details: { reasoning_tokens: reasoningTokens },
  total_tokens: promptTokens + completionTokens,
})

/** OpenAI has a list of its own for what ends a response, and most of it is about images. */
const errorCodeOf = ({ code }: Failure): string =>
  code === 'invalid' || code === 'context_too_long' ? 'invalid_prompt' : 'server_error'
