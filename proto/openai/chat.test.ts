import { describe, expect, test } from 'vitest'
import { Sampling } from '../job.ts'
import { ChatRequest, tellingOf } from './chat.ts'

const fine = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const times = <T>(length: number, make: () => T): T[] => Array.from({ length }, make)
const nothing = () => ({})
const one = () => ({ role: 'user', content: 'hi' })
const part = () => ({ type: 'text', text: 'hi' })
const message = (parts: number) => ({ role: 'user', content: times(parts, part) })
const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)

const schemaFormat = (schema: unknown) => ({
  type: 'json_schema',
  json_schema: { name: 'answer', schema },
})
const wide = (chars: number) => ({ description: 'x'.repeat(chars) })

/** The path of the first thing that is wrong with a request. */
const fault = (more: object): string | undefined =>
  ChatRequest.safeParse({ ...fine, ...more }).error?.issues[0]?.path.join('.')

describe('a chat request', () => {
  test.for<[string, object]>([
    ['nothing more', {}],
    ['64 parts in a message', { messages: [message(64)] }],
    ['4096 parts in all', { messages: times(64, () => message(64)) }],
    ['2048 messages', { messages: times(2048, one) }],
    ['fields that ask for nothing', { tools: [], logprobs: false, logit_bias: {}, audio: null }],
    ['text and nothing else', { response_format: { type: 'text' }, modalities: ['text'] }],
    ['fields that nobody knows', { padding: 'x', metadata: { a: 'b' } }],
    ['stop strings', { stop: ['a', 'b', 'c', 'd'] }],
    ['no stop strings', { stop: null }],
    ['any JSON object as its answer', { response_format: { type: 'json_object' } }],
    ['an answer of a schema', { response_format: schemaFormat({ type: 'integer' }) }],
    ['a schema of which nothing is asked', { response_format: schemaFormat({}) }],
    ['log probabilities', { logprobs: true }],
    ['the likeliest tokens', { logprobs: true, top_logprobs: 20 }],
    ['no log probabilities', { logprobs: null, top_logprobs: 0 }],
  ])('may have %s', ([, more]) => {
    expect(ChatRequest.safeParse({ ...fine, ...more }).error).toBeUndefined()
  })

  test.for<[string, object]>([
    ['messages', { messages: undefined }],
    ['messages', { messages: times(2049, one) }],
    ['messages.0.content', { messages: [message(65)] }],
    ['messages.64.content', { messages: times(65, () => message(64)) }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['response_format', { response_format: { type: 'text', more: 1 } }],
    ['response_format.type', { response_format: { type: 'xml' } }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    [
      'response_format.json_schema.name',
      { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema: {} } } },
    ],
    [
      'response_format.json_schema.schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
    ],
    ['response_format.json_schema.schema', { response_format: schemaFormat(wide(65 * 1024)) }],
    [
      'response_format.json_schema.schema',
      { response_format: schemaFormat({ default: nested(1_000_000) }) },
    ],
    [
      'response_format.json_schema.schema.properties.a.pattern',
      { response_format: schemaFormat({ properties: { a: { pattern: '^a$' } } }) },
    ],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['top_logprobs', { top_logprobs: 1 }],
    ['top_logprobs', { logprobs: false, top_logprobs: 1 }],
    ['tools', { tools: [{}] }],
  ])('is refused for its %s', ([path, wrong]) => {
    expect(fault(wrong)).toBe(path)
  })

  test.for<[object, object]>([
    [{}, {}],
    [{ logprobs: false, response_format: { type: 'text' } }, {}],
    [{ logprobs: true }, { logprobs: 0 }],
    [{ logprobs: true, top_logprobs: 3 }, { logprobs: 3 }],
    [{ response_format: { type: 'json_object' } }, { format: { kind: 'json' } }],
    [
      { response_format: schemaFormat({ type: 'null' }) },
      { format: { kind: 'schema', schema: '{"type":"null"}' } },
    ],
  ])('with %j tells a job %j', ([more, telling]) => {
    const told = tellingOf(ChatRequest.parse({ ...fine, ...more }))
    expect(told).toEqual(telling)
    expect(Sampling.pick({ logprobs: true, format: true }).parse(told)).toEqual(telling)
  })

  test('is refused by name where it asks for what is not there yet', () => {
    const { error } = ChatRequest.safeParse({ ...fine, tools: [{}] })
    expect(error?.issues[0]?.message).toBe('tools is not supported yet: leave it out.')
  })

  // 700,000 empty objects fit into two megabytes, and zod has something to say about each.
  test.for<[string, object]>([
    ['messages', { messages: times(700_000, nothing) }],
    ['messages.0.content', { messages: [{ role: 'user', content: times(700_000, nothing) }] }],
    ['stop', { stop: times(700_000, nothing) }],
  ])('of two megabytes of nothing in %s is refused soon', ([path, wrong]) => {
    const startMs = performance.now()
    expect(fault(wrong)).toBe(path)
    expect(performance.now() - startMs).toBeLessThan(100)
  })

  test.for(['response_format', 'logit_bias', 'modalities', 'tools', 'metadata'])(
    'may nest its %s as deeply as it likes',
    (field) => {
      const deep = nested(1_000_000)
      expect(() => ChatRequest.safeParse({ ...fine, [field]: deep })).not.toThrow()
    },
  )
})
