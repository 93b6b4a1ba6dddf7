import { describe, expect, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { encodeFrame } from '../../proto/frame.ts'
import { newJobId } from '../../proto/ids.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { Answer, Log } from '../ports.ts'
import { chatEvents } from './chat-events.ts'

const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
const head: AnswerHead = {
  id: newJobId(),
  kind: 'chat',
  model: 'm',
  tenant: 't',
  admittedAtMs: 0,
  reading: { resumable: false, includeUsage: false },
}
const word = encodeFrame(1, 0, { kind: 'bytes', bytes: new TextEncoder().encode('hi') })
const end = encodeFrame(1, 1, { kind: 'end', finish: 'stop', promptTokens: 1, cachedTokens: 0 })

async function said(answer: Answer, signal = new AbortController().signal): Promise<string> {
  const events = chatEvents([{ answer, head }], { includeUsage: false, log, signal })
  const pieces = await Array.fromAsync(events, (bytes) => new TextDecoder().decode(bytes))
  return pieces.join('')
}

async function* frames(...list: (Uint8Array | Failure)[]): AsyncGenerator<Uint8Array[]> {
  for (const frame of list) {
    if (frame instanceof Failure) throw frame
    yield [frame]
  }
}

describe('the events of a chat', () => {
  test('end with [DONE] where the answer ended', async () => {
    const text = await said(frames(word, end))
    expect(text).toContain('"content":"hi"')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).not.toContain('"error"')
  })

  test('say that money ended it, where it did', async () => {
    const spent = {
      finish: 'length',
      code: 'budget_exhausted',
      promptTokens: 1,
      cachedTokens: 0,
    } as const
    const text = await said(frames(word, encodeFrame(1, 1, { kind: 'end', ...spent })))
    expect(text).toContain('"finish_reason":"length","code":"budget_exhausted"}')
  })

  test.for<[string, (Uint8Array | Failure)[]]>([
    ['stops without its end', [word]],
    ['is nothing at all', []],
    ['fails', [word, new Failure('engine_failed', 'It broke.')]],
    ['was cancelled by somebody else', [word, new Failure('cancelled', 'The input broke off.')]],
  ])('end with an error and without [DONE] where the answer %s', async ([, list]) => {
    const text = await said(frames(...list))
    expect(text).not.toContain('[DONE]')
    expect(text).toMatch(/data: \{"error":\{"message":.*\}\n\n$/)
  })

  test('say nothing more to a reader who left', async () => {
    const text = await said(frames(word, new Failure('cancelled', '')), AbortSignal.abort())
    expect(text).not.toContain('"error"')
  })
})
