import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { ResponseEvent } from '../../proto/openai/response-events.ts'
import { ResponseObject } from '../../proto/openai/responses.ts'
import { newJobId } from '../../proto/ids.ts'
import type { Part } from '../stream/parts.ts'
import { EventLines } from './response-events.ts'
import { responseAt, settingsOf } from './response-object.ts'
import { tellResponse, type Telling } from './tell-response.ts'

const id = newJobId()
const settings = settingsOf({ model: 'm', input: 'hi', max_output_tokens: null })
const base = responseAt('in_progress', { id, createdAtMs: 1_700_000_000_000, settings })

const end = (finish: 'stop' | 'length' | 'tool_calls'): Part => ({
  after: 9,
  kind: 'end',
  finish,
  code: null,
  usage: { promptTokens: 4, cachedTokens: 1, completionTokens: 8, reasoningTokens: 2 },
})
const text = (said: string): Part => ({ after: 1, kind: 'text', text: said, logprobs: null })
const thought = (said: string): Part => ({ after: 1, kind: 'reasoning', text: said })
const call = (index: number): Part[] => [
  { after: 1, kind: 'call', index, id: `call_${index}`, name: `f${index}` },
  { after: 1, kind: 'arguments', index, text: '{"a":' },
  { after: 1, kind: 'arguments', index, text: '1}' },
]

/** All events of some parts, as they stand on the wire, and the response that they leave. */
function told(parts: readonly Part[], finish?: (telling: Telling) => void, after = -1) {
  const lines = new EventLines(after)
  const telling = tellResponse(base, lines.emit)
  telling.begin()
  for (const part of parts) telling.tell(part)
  finish?.(telling)
  const wire = new TextDecoder().decode(lines.take())
  const events = Array.from(wire.matchAll(/^data: (.+)$/gm), ([, data]) =>
    ResponseEvent.parse(JSON.parse(data)),
  )
  return { events, response: ResponseObject.parse(telling.response()) }
}

const anyParts = fc
  .array(
    fc.oneof(
      fc.string().map((said) => [text(said)]),
      fc.string().map((said) => [thought(said)]),
      fc.nat(3).map(call),
    ),
    { maxLength: 12 },
  )
  .map((groups) => groups.flat())

describe('a response', () => {
  test('is an item for each run of words, thoughts, and each call', ({ expect }) => {
    const parts = [thought('hm'), thought('m'), text('I '), text('look'), ...call(0), ...call(1)]
    const { response } = told([...parts, end('tool_calls')])
    expect(response).toMatchObject({
      status: 'completed',
      incomplete_details: null,
      output: [
        { type: 'reasoning', status: 'completed', content: [{ text: 'hmm' }] },
        { type: 'message', status: 'completed', content: [{ text: 'I look' }] },
        { type: 'function_call', call_id: 'call_0', name: 'f0', arguments: '{"a":1}' },
        { type: 'function_call', call_id: 'call_1', name: 'f1', arguments: '{"a":1}' },
      ],
      usage: {
        input_tokens: 4,
        input_tokens_details: { cached_tokens: 1 },
        output_tokens: 8,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 12,
      },
    })
    expect(new Set(response.output.map((item) => item.id)).size).toBe(4)
  })

  test('that was cut short says so, of itself and of its last item', ({ expect }) => {
    const { response, events } = told([thought('hm'), text('I'), end('length')])
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'completed' }, { status: 'incomplete' }],
    })
    expect(events.at(-1)?.type).toBe('response.incomplete')
  })

  test('that was cut short by its budget says that too', ({ expect }) => {
    const over: Part = { ...end('length'), code: 'budget_exhausted' } as Part
    const { response } = told([text('I'), over])
    expect(response.incomplete_details).toEqual({
      reason: 'max_output_tokens',
      code: 'budget_exhausted',
    })
  })

  test('that says nothing is a message all the same', ({ expect }) => {
    const { response } = told([end('stop')])
    expect(response.output).toMatchObject([{ type: 'message', content: [{ text: '' }] }])
  })

  test.for([
    [
      new Failure('poisoned', 'It kills.'),
      'failed',
      { code: 'server_error', message: 'It kills.' },
    ],
    [
      new Failure('context_too_long', 'Long.'),
      'failed',
      { code: 'invalid_prompt', message: 'Long.' },
    ],
    [new Failure('cancelled', 'Gone.'), 'cancelled', null],
  ] as const)(
    'that ended with %s keeps what there was of it',
    ([failure, status, error], { expect }) => {
      const { response, events } = told([text('I lo')], (telling) => telling.fail(failure))
      expect(response).toMatchObject({
        status,
        error,
        output: [{ status: 'incomplete', content: [{ text: 'I lo' }] }],
      })
      expect(events.at(-1)?.type).toBe('response.failed')
    },
  )
})

describe('the events of a response', () => {
  test('show each item as it was at the time', ({ expect }) => {
    const { events } = told([text('one '), text('two'), end('stop')])
    expect(events.find(({ type }) => type === 'response.output_item.added')).toMatchObject({
      item: { status: 'in_progress', content: [] },
    })
    expect(events.find(({ type }) => type === 'response.content_part.added')).toMatchObject({
      part: { text: '' },
    })
  })

  test('count from 0 without a gap, add up to the response, and are the same from any number on', ({
    expect,
  }) => {
    fc.assert(
      fc.property(anyParts, fc.nat(80), (parts, after) => {
        const { events, response } = told([...parts, end('stop')])
        expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
        expect(deltasOf(events)).toEqual(response.output.map(saidIn))
        expect(events.at(-1)).toMatchObject({ type: 'response.completed', response })
        const rest = told([...parts, end('stop')], undefined, after).events
        expect(rest).toEqual(events.slice(after + 1))
      }),
    )
  })
})

/** What a client makes of the deltas, item by item. */
function deltasOf(events: readonly ResponseEvent[]): string[] {
  const said: string[] = []
  for (const event of events) {
    if (event.type === 'response.output_item.added') said.push('')
    if ('delta' in event) said[event.output_index] += event.delta
  }
  return said
}

const saidIn = (item: ResponseObject['output'][number]): string =>
  item.type === 'function_call' ? item.arguments : item.content.map((part) => part.text).join('')
