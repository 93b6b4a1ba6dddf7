import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import type { Marks } from '../../proto/calling.ts'
import { encodeFrame } from '../../proto/frame.ts'
import { newJobId } from '../../proto/ids.ts'
import { encodeScore } from '../../proto/score.ts'
import { partsReader, type Part } from './parts.ts'

const marks: Marks = {
  calls: { syntax: 'hermes', names: ['add'], parallel: true, held: false },
  thinking: 'marked',
}
const id = newJobId()
const headWith = (its: Marks) => ({
  id,
  reading: { resumable: true, includeUsage: false, marks: its },
})

const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 12, "b": [3]}}\n</tool_call>'
const WORDS = 'Words, and nothing else.'
const THOUGHT = `<think>\nTwo calls.</think>\n\nNow: ${CALL}\n${CALL}`
const answers = [
  THOUGHT,
  `${CALL} and then <tool_call>{"name": "sub"}</tool_call> and <tool_c`,
  WORDS,
]

/** A token every few characters, and frames of some tokens each. */
function framesOf(answer: string, sizes: readonly number[], scored = false): Uint8Array[] {
  const texts = answer.match(/[\s\S]{1,3}/g) ?? []
  const frames: Uint8Array[] = []
  let at = 0
  for (const size of [...sizes, texts.length]) {
    const its = texts.slice(at, at + size)
    const ids = its.map((_, i) => at + i)
    const scores = its.map((text) => encodeScore({ token: likely(text), top: [] }))
    if (its.length > 0)
      frames.push(
        encodeFrame(1, at, { kind: 'tokens', ids, texts: its, ...(scored && { scores }) }),
      )
    at += its.length
  }
  return [
    ...frames,
    encodeFrame(1, at, { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 }),
  ]
}

const likely = (text: string) => ({
  bytes: new TextEncoder().encode(text),
  isText: true,
  logprob: -1,
})

function read(frames: readonly Uint8Array[], after = 0, its = marks): Part[] {
  const take = partsReader(headWith(its), { after })
  return frames.flatMap((frame) => take([frame]))
}

/** What a reader has in the end: parts of one kind that follow each other are one to it. */
const sum = (parts: readonly Part[]): unknown[] =>
  parts.reduce<{ key: string; text: string }[]>((all, part) => {
    const { after: _, ...rest } = part
    const text = 'text' in rest ? rest.text : ''
    const key = JSON.stringify({ ...rest, text: undefined })
    const last = all.at(-1)
    const joins = last?.key === key && 'text' in rest
    return joins ? [...all.slice(0, -1), { key, text: last.text + text }] : [...all, { key, text }]
  }, [])

const args = (index: number, text: string) => ({ kind: 'arguments', index, text })

/** A reader is where the last part of a token was told, and nowhere between. */
const wholeTokens = (seen: readonly Part[], rest: readonly Part[]): Part[] =>
  seen.filter(({ after }) => rest.every((part) => part.after > after))

const positionOf = (parts: readonly Part[]): number => parts.at(-1)?.after ?? 0

const logprobsIn = (parts: readonly Part[]): string =>
  parts
    .flatMap((part) => (part.kind === 'text' ? (part.logprobs?.content ?? []) : []))
    .map(({ token }) => token)
    .join('')

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 60 })

describe('the parts of an answer with marks', () => {
  test('are thoughts, text, calls with their arguments, and the end', ({ expect }) => {
    const [thought, ...rest] = read(framesOf(THOUGHT, []))
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 61, reasoningTokens: 7 }
    const call = (index: number) => ({
      kind: 'call',
      index,
      id: expect.stringMatching(new RegExp(`^call_[0-9a-f]{20}0${index}$`)),
      name: 'add',
    })
    expect(thought).toEqual({ after: 6, kind: 'reasoning', text: '\nTwo calls.' })
    expect(rest).toMatchObject([
      { kind: 'text', text: 'Now: ', logprobs: null },
      call(0),
      args(0, '{'),
      args(0, '"a": 12, "b": [3]}'),
      call(1),
      args(1, '{'),
      args(1, '"a": 12, "b": [3]}'),
      { after: 62, kind: 'end', finish: 'tool_calls', code: null, usage },
    ])
  })

  test('are the same however frames are cut', ({ expect }) => {
    fc.assert(
      fc.property(fc.constantFrom(...answers), sizes, (answer, cut) => {
        expect(sum(read(framesOf(answer, cut)))).toEqual(sum(read(framesOf(answer, []))))
      }),
    )
  })

  test('go on from any position as if nothing had been', ({ expect }) => {
    fc.assert(
      fc.property(fc.constantFrom(...answers), sizes, sizes, fc.nat(), (answer, a, b, at) => {
        const first = read(framesOf(answer, a))
        const cut = at % first.length
        const whole = wholeTokens(first.slice(0, cut), first.slice(cut))
        const after = positionOf(whole)
        const rest = read(framesOf(answer, b), after)
        expect(sum([...whole, ...rest])).toEqual(sum(first))
        expect(rest.slice(0, -1).every((part) => part.after > after)).toBe(true)
      }),
    )
  })

  test('are one call at most where no more are wanted', ({ expect }) => {
    const calls = { syntax: 'hermes', names: ['add'], parallel: false, held: false } as const
    const parts = read(framesOf(`${CALL}\n${CALL}`, []), 0, { calls })
    expect(parts.map(({ kind }) => kind)).toEqual(['call', 'arguments', 'arguments', 'end'])
    expect(parts.at(-1)).toMatchObject({ finish: 'tool_calls' })
  })

  test('tell how likely tokens were, those of content only', ({ expect }) => {
    const parts = read(framesOf(`<think>no</think>\nYes, <toes> ${CALL}`, [], true))
    expect(logprobsIn(parts)).toMatch(/^.{0,2}\nYes, <toes> $/)
  })

  test('cannot be read from the middle', ({ expect }) => {
    expect(() => read(framesOf(WORDS, [2]).slice(1))).toThrow('from its beginning')
  })
})
