import { describe, test } from 'vitest'
import { SseReader } from './sse.ts'

const JOB = 'job_01a1f90f-3734-74d8-b688-1da4f264c242'
const data = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n`
const read = (...pieces: string[]) => {
  const reader = new SseReader()
  return pieces.flatMap((piece) => [...reader.read(piece)])
}
const chunk = { kind: 'chunk', finish: null, completionTokens: null }

describe('a stream of events', () => {
  test('is read with its positions, and with signs of life between', ({ expect }) => {
    expect(read(`:\n${data('a')}\n:\nid: ${JOB}:2\n${data('b')}\ndata: [DONE]\n\n`)).toEqual([
      { ...chunk, text: 'a', position: null },
      { ...chunk, text: 'b', position: 2 },
      { kind: 'done' },
    ])
  })

  test('is the same in whatever pieces it comes', ({ expect }) => {
    const text = `id: ${JOB}:1\n${data('ab')}\ndata: {"error":{"code":"unavailable"}}\n\n`
    expect(read(...text.split(''))).toEqual(read(text))
    expect(read(text).at(-1)).toEqual({ kind: 'error', code: 'unavailable' })
  })

  test.for(['event: x\n\n', 'id: 7\ndata: {"choices":[]}\n\n', 'data: {}\n\n', 'data: {\n\n'])(
    'that says %j is none',
    (text, { expect }) => {
      expect(() => read(text)).toThrow()
    },
  )
})
