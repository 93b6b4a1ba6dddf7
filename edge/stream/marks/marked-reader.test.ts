import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import type { Marks } from '../../../proto/calling.ts'
import { markedReader } from './marked-reader.ts'
import type { Piece } from './piece.ts'

const calls = (syntax: 'hermes' | 'llama3' | 'mistral', held = false): Marks => ({
  calls: { syntax, names: ['add', 'get_time'], parallel: true, held },
})

/** All pieces, those of one kind that follow each other put together. */
function read(marks: Marks, parts: readonly string[]): Piece[] {
  const reader = markedReader(marks)
  const pieces = [...parts.flatMap((part) => reader.push(part)), ...reader.end()]
  return pieces.reduce<Piece[]>((all, piece) => {
    const last = all.at(-1)
    const joins = last?.kind === piece.kind && 'text' in last && 'text' in piece
    return joins
      ? [...all.slice(0, -1), { kind: piece.kind, text: last.text + piece.text }]
      : [...all, piece]
  }, [])
}

/** A call is in it, or all of it is shown. */
const isWhole = (pieces: readonly Piece[], answer: string): boolean =>
  pieces.some(({ kind }) => kind === 'call') ||
  pieces.map((piece) => ('text' in piece ? piece.text : '')).join('') === answer

const text = (its: string): Piece => ({ kind: 'text', text: its })
const call = (name: string, args: string): Piece[] => [
  { kind: 'call', name },
  { kind: 'arguments', text: args },
]

const ADD = '{"name": "add", "arguments": {"a": 1, "b": "}<\\"</tool_call>"}}'
const ADD_ARGUMENTS = '{"a": 1, "b": "}<\\"</tool_call>"}'
const TIME = '{"arguments": {"zone": "UTC"}, "name": "get_time"}'
const LLAMA = '{"name": "add", "parameters": {"a": [1, {"b": 2}]}}'

const made: [string, Marks, string, Piece[]][] = [
  ['hermes', calls('hermes'), `<tool_call>\n${ADD}\n</tool_call>`, call('add', ADD_ARGUMENTS)],
  [
    'hermes, two of them and words before',
    calls('hermes'),
    `Let me see. <tool_call>${ADD}</tool_call>\n<tool_call>\n${TIME}\n</tool_call>\n`,
    [text('Let me see. '), ...call('add', ADD_ARGUMENTS), ...call('get_time', '{"zone":"UTC"}')],
  ],
  [
    'hermes without its last tag',
    calls('hermes'),
    `\n\n<tool_call>${ADD}`,
    call('add', ADD_ARGUMENTS),
  ],
  [
    'hermes, cut in its arguments',
    calls('hermes'),
    '<tool_call>{"name": "add", "arguments": {"a": 1, "b',
    call('add', '{"a": 1, "b'),
  ],
  [
    'hermes and words behind',
    calls('hermes'),
    `<tool_call>${ADD}</tool_call>\n done`,
    [...call('add', ADD_ARGUMENTS), text('\n done')],
  ],
  ['llama3', calls('llama3'), LLAMA, call('add', '{"a": [1, {"b": 2}]}')],
  [
    'llama3, two of them',
    calls('llama3'),
    `\n${LLAMA}; {"type": "function", "name": "get_time", "parameters": {}}`,
    [...call('add', '{"a": [1, {"b": 2}]}'), ...call('get_time', '{}')],
  ],
  ['mistral', calls('mistral'), `[TOOL_CALLS] [${ADD}]`, call('add', ADD_ARGUMENTS)],
  [
    'mistral, two of them',
    calls('mistral'),
    `[TOOL_CALLS][${ADD}, ${TIME}]`,
    [...call('add', ADD_ARGUMENTS), ...call('get_time', '{"zone":"UTC"}')],
  ],
  [
    'mistral by name',
    calls('mistral'),
    'Well: [TOOL_CALLS]add[ARGS]{"a": {}}[TOOL_CALLS]get_time[CALL_ID]x1[ARGS]{}',
    [text('Well: '), ...call('add', '{"a": {}}'), ...call('get_time', '{}')],
  ],
  ['mistral, held to it', calls('mistral', true), `[${ADD}]`, call('add', ADD_ARGUMENTS)],
  [
    'a thinker',
    { ...calls('hermes'), thinking: 'marked' },
    `\n<think>\nHm, <tool_call> perhaps.\n</think>\n\n<tool_call>${ADD}</tool_call>`,
    [{ kind: 'reasoning', text: '\nHm, <tool_call> perhaps.\n' }, ...call('add', ADD_ARGUMENTS)],
  ],
  [
    'a thinker that thinks from the start',
    { thinking: 'opened' },
    'Hm.</think>\nYes </think>.',
    [{ kind: 'reasoning', text: 'Hm.' }, text('Yes </think>.')],
  ],
  ['a thinker that does not', { thinking: 'marked' }, 'No <think>.', [text('No <think>.')]],
]

/** Nothing in them is a call: all of it is shown. */
const none: [string, Marks, string][] = [
  [
    'hermes of a function that is not there',
    calls('hermes'),
    '<tool_call>{"name": "rm", "arguments": {}}</tool_call>',
  ],
  ['hermes without JSON', calls('hermes'), 'Say <tool_call> twice: <tool_call>'],
  ['hermes that is cut before its name', calls('hermes'), 'So: <tool_call>\n{"na'],
  ['hermes that is another object', calls('hermes'), '<tool_call>{"sum": 3}</tool_call> {}'],
  ['hermes with half a tag', calls('hermes'), 'a <tool_cal b <tool_ca'],
  ['llama3 that answers in JSON', calls('llama3'), ' {"sum": {"name": "add"}}; {"a": 1}'],
  ['llama3 that names somebody', calls('llama3'), '{"name": "Ada", "parameters": {}}'],
  ['llama3 in the middle', calls('llama3'), `Here: ${LLAMA}`],
  ['mistral that is no list', calls('mistral'), '[TOOL_CALLS] none at all, [TOOL_CALLS]'],
  [
    'mistral with a list of something else',
    calls('mistral'),
    'x[TOOL_CALLS][1, 2] and [TOOL_CALLS][{"a":1}]',
  ],
  ['mistral by an unknown name', calls('mistral'), '[TOOL_CALLS]rm[ARGS]{"a":1}'],
  ['white space', calls('hermes'), ' \n '],
  [
    'mistral by a name that comes too late',
    calls('mistral'),
    `[TOOL_CALLS]${' '.repeat(250)}add[ARGS]{}`,
  ],
  ['hermes with a key that is long', calls('hermes'), `<tool_call>{"${'a'.repeat(600)}": 1}`],
  ['llama3 that begins late', calls('llama3'), `{${' '.repeat(600)}"name": "add"}`],
]

/** What a model may write of them, in any order. */
const BITS = [
  '<tool_call>',
  '</tool_call>',
  '[TOOL_CALLS]',
  '[ARGS]',
  '{"name": "add", ',
  '"arguments": ',
  '"parameters": ',
  '{}',
  '{"a":1}',
  '}',
  ']',
  '[',
  ', ',
  '\n',
  ';',
  'add',
  '"',
  '\\',
  'é',
  '<',
]

const cuts = (whole: string) =>
  fc
    .array(fc.nat(whole.length), { maxLength: 12 })
    .map((at) => [0, ...at.toSorted((a, b) => a - b), whole.length])
    .map((at) => at.slice(1).map((end, i) => whole.slice(at[i], end)))

describe('what an answer is made of', () => {
  test.for(made)('is found in %s', ([, marks, answer, pieces], { expect }) => {
    expect(read(marks, [answer])).toEqual(pieces)
    expect(read(marks, Array.from(answer))).toEqual(pieces)
  })

  test.for(none)('is text in %s, to the last character', ([, marks, answer], { expect }) => {
    expect(read(marks, [answer])).toEqual([text(answer)])
    expect(read(marks, Array.from(answer))).toEqual([text(answer)])
  })

  test('does not depend on how it is cut', ({ expect }) => {
    const known = fc.constantFrom(...made, ...none)
    fc.assert(
      fc.property(
        known.chain(([, marks, answer]) => fc.tuple(fc.constant({ marks, answer }), cuts(answer))),
        ([{ marks, answer }, parts]) => {
          expect(read(marks, parts)).toEqual(read(marks, [answer]))
        },
      ),
    )
  })

  test('loses nothing of any text, and depends on no cut, whatever a model writes', ({
    expect,
  }) => {
    const bit = fc.constantFrom(...BITS)
    const answers = fc.array(bit, { maxLength: 14 }).map((bits) => bits.join(''))
    const syntax = fc.constantFrom('hermes' as const, 'llama3' as const, 'mistral' as const)
    fc.assert(
      fc.property(syntax, answers, (its, answer) => {
        const whole = read(calls(its), [answer])
        expect(read(calls(its), Array.from(answer))).toEqual(whole)
        expect(isWhole(whole, answer)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test.for<[string, Marks, string, string]>([
    ['a name after mistral', calls('mistral'), '[TOOL_CALLS]add', '[CALL_ID]'],
    ['white space after mistral', calls('mistral'), '[TOOL_CALLS]', ' '],
    ['white space in a list of mistral', calls('mistral'), '[TOOL_CALLS][', ' '],
    ['white space before llama3', calls('llama3'), '', ' '],
    ['a first key of llama3', calls('llama3'), '{"', 'a'],
    ['white space in an object of hermes', calls('hermes'), '<tool_call>{', ' '],
    ['white space after an object of hermes', calls('hermes'), `<tool_call>${ADD}`, ' '],
    ['white space before a thought', { thinking: 'marked' }, '', ' '],
  ])('looks at %s once, however long it is', ([, marks, start, bit], { expect }) => {
    const reader = markedReader(marks)
    reader.push(start)
    const sinceMs = performance.now()
    for (let i = 0; i < 100_000; i++) reader.push(bit)
    // It takes some 20 ms; whoever looks at all of it each time needs seconds.
    expect(performance.now() - sinceMs).toBeLessThan(1_000)
  })

  test('tells arguments while they come', ({ expect }) => {
    const reader = markedReader(calls('hermes'))
    expect(reader.push('<tool_call>{"name": "add", "arguments": {"a')).toEqual(call('add', '{"a'))
    expect(reader.push('": 1')).toEqual([{ kind: 'arguments', text: '": 1' }])
  })
})
