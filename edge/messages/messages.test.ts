import { describe, expect, test } from 'vitest'
import { MessagesResponse } from '../../proto/anthropic/messages.ts'
import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { Log } from '../ports.ts'
import type { Part } from '../stream/parts.ts'
import { messageHead } from './head.ts'
import { messageEvents } from './message-events.ts'
import { wholeMessage } from './whole-message.ts'

const head = messageHead({ id: 'job_1' as JobId, model: 'm' })
const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
const usage = { promptTokens: 10, cachedTokens: 4, completionTokens: 7, reasoningTokens: 0 }
const end = { after: 8, kind: 'end', finish: 'tool_calls', code: null, usage } as const

const ANSWER: Part[] = [
  { after: 1, kind: 'reasoning', text: 'hm' },
  { after: 2, kind: 'text', text: 'Let ', logprobs: null },
  { after: 3, kind: 'text', text: 'me see', logprobs: null },
  { after: 4, kind: 'call', index: 0, id: 'c1', name: 'a' },
  { after: 5, kind: 'arguments', index: 0, text: '{"x":' },
  { after: 6, kind: 'arguments', index: 0, text: '1}' },
  { after: 7, kind: 'call', index: 1, id: 'c2', name: 'b' },
  end,
]

async function* oneByOne(parts: readonly Part[], failure?: Failure): AsyncGenerator<Part[]> {
  for (const part of parts) yield [part]
  if (failure) throw failure
}

async function eventsOf(parts: AsyncIterable<Part[]>): Promise<Record<string, unknown>[]> {
  let text = ''
  const { signal } = new AbortController()
  for await (const bytes of messageEvents(parts, { requestId: 'req_1', log, signal }))
    text += new TextDecoder().decode(bytes)
  return text
    .split('\n\n')
    .filter(Boolean)
    .map((block) => JSON.parse(block.slice(block.indexOf('data: ') + 6)) as Record<string, unknown>)
}

describe('a message', () => {
  test('has its thoughts, its text and its calls as blocks in order', async () => {
    const whole = await wholeMessage(oneByOne(ANSWER), head)
    expect(MessagesResponse.parse(whole)).toEqual(whole)
    expect(whole).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: 'Let me see' },
        { type: 'tool_use', id: 'c1', name: 'a', input: { x: 1 } },
        { type: 'tool_use', id: 'c2', name: 'b', input: {} },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 6, output_tokens: 7, cache_read_input_tokens: 4 },
    })
  })

  test('is streamed as blocks of which each ends before the next begins', async () => {
    const events = await eventsOf(oneByOne(ANSWER))
    expect(events.map(({ type, index }) => [type, index])).toEqual([
      ['content_block_start', 0],
      ['content_block_delta', 0],
      ['content_block_stop', 0],
      ['content_block_start', 1],
      ['content_block_delta', 1],
      ['content_block_delta', 1],
      ['content_block_stop', 1],
      ['content_block_start', 2],
      ['content_block_delta', 2],
      ['content_block_delta', 2],
      ['content_block_stop', 2],
      ['content_block_start', 3],
      ['content_block_stop', 3],
      ['message_delta', undefined],
      ['message_stop', undefined],
    ])
  })

  test('that breaks off ends with an error event, and is never told as whole', async () => {
    const broken = new Failure('engine_failed', 'The engine failed.')
    const events = await eventsOf(oneByOne(ANSWER.slice(0, 2), broken))
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { message: 'The engine failed.' } })
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
  })

  test('says which stop string ended it', async () => {
    const stopped = await wholeMessage(oneByOne([{ ...end, finish: 'stop', stop: 'END' }]), head)
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' })
  })
})
