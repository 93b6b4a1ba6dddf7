import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
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

const tool = (name: string, parameters: unknown = {}) => ({
  type: 'function',
  function: { name, parameters },
})
const parts = (...content: object[]) => ({ role: 'user', content })
const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }
const said = (content: string | null, ...calls: object[]) => ({
  role: 'assistant',
  content,
  tool_calls: calls,
})

interface Fault {
  path: string
  text: string
}

/** The first thing that is wrong, in the branch of a union that came furthest. */
function faultIn(issues: readonly z.core.$ZodIssue[]): Fault | undefined {
  const [issue] = issues
  if (!issue) return undefined
  const branches = issue.code === 'invalid_union' ? issue.errors.map((its) => faultIn(its)) : []
  const [deepest] = branches
    .filter((its) => its !== undefined)
    .toSorted((a, b) => b.path.length - a.path.length)
  const path = [...issue.path, ...(deepest?.path ? [deepest.path] : [])].join('.')
  return { path, text: deepest?.text ?? issue.message }
}

const firstFault = (more: object): Fault | undefined =>
  faultIn(ChatRequest.safeParse({ ...fine, ...more }).error?.issues ?? [])

/** The path of the first thing that is wrong with a request. */
const fault = (more: object): string | undefined => firstFault(more)?.path

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
    [
      'functions to call',
      { tools: [tool('add')], tool_choice: 'required', parallel_tool_calls: true },
    ],
    ['biases', { logit_bias: { 5: -100, 17: 0.5 } }],
    [
      'what changes nothing',
      { store: true, metadata: { a: 'b' }, verbosity: 'low', prediction: {} },
    ],
    ['a tier and an effort', { service_tier: 'flex', reasoning_effort: 'minimal', n: 16 }],
    [
      'a call and its result',
      { messages: [said(null, call), { role: 'tool', content: '3', tool_call_id: 'c1' }] },
    ],
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
      { response_format: schemaFormat({ properties: { a: { pattern: '(?=a)' } } }) },
    ],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['top_logprobs', { top_logprobs: 1 }],
    ['top_logprobs', { logprobs: false, top_logprobs: 1 }],
    ['tools.0.type', { tools: [{}] }],
    ['tools.0.type', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['tools.0.function.name', { tools: [tool('a b')] }],
    ['tools.1.function.name', { tools: [tool('add'), tool('add')] }],
    ['tools.0.function.parameters', { tools: [tool('add', 'text')] }],
    ['tools.0.function.parameters', { tools: [tool('add', wide(65 * 1024))] }],
    ['tools', { tools: times(129, () => tool('add')) }],
    ['tool_choice', { tools: [tool('add')], tool_choice: 'always' }],
    ['functions', { functions: [{ name: 'add' }] }],
    ['function_call', { function_call: { name: 'add' } }],
    ['n', { n: 17 }],
    ['n', { n: 0 }],
    ['logit_bias.x', { logit_bias: { x: 1 } }],
    ['logit_bias.5', { logit_bias: { 5: 101 } }],
    ['logit_bias', { logit_bias: Object.fromEntries(times(1025, one).map((_, i) => [i, 1])) }],
    ['user', { user: 'a\ud800' }],
    ['user', { user: 'a\0' }],
    ['safety_identifier', { safety_identifier: '\udc00a' }],
    ['service_tier', { service_tier: 'first' }],
    ['web_search_options', { web_search_options: {} }],
    ['messages.0.content.1', { messages: [parts(part(), { type: 'image_url', image_url: {} })] }],
    ['messages.0.content.0', { messages: [parts({ type: 'input_audio' })] }],
    ['messages.0.content.0', { messages: [parts({ type: 'file' })] }],
    ['messages.0.content.0.type', { messages: [parts({ type: 'smell' })] }],
    ['messages.0.content.0.text', { messages: [parts({ type: 'text' })] }],
    ['messages.0.content', { messages: [{ role: 'assistant' }] }],
    ['messages.0.role', { messages: [{ role: 'function', name: 'add', content: '3' }] }],
    ['messages.0.function_call', { messages: [{ ...said('hi'), function_call: {} }] }],
    [
      'messages.1.tool_call_id',
      { messages: [one(), { role: 'tool', content: '3', tool_call_id: 'a' }] },
    ],
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

  test.for([
    [{ audio: {} }, 'audio is not supported: leave it out.'],
    [{ functions: [{}] }, 'functions is not supported: it is the old way, send tools.'],
    [{ messages: [parts({ type: 'image_url' })] }, expect.stringContaining('reads no images')],
  ])('with %j is refused with the remedy', ([more, text]) => {
    expect(firstFault(more)).toMatchObject({ text })
  })

  // 700,000 empty objects fit into two megabytes, and zod has something to say about each.
  test.for<[string, object]>([
    ['messages', { messages: times(700_000, nothing) }],
    ['messages.0.content', { messages: [{ role: 'user', content: times(700_000, nothing) }] }],
    ['stop', { stop: times(700_000, nothing) }],
    ['tools', { tools: times(700_000, nothing) }],
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
