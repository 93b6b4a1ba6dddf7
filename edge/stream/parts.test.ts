import { describe, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { cutFrame, encodeFrame } from '../../proto/frame.ts'
import { newJobId } from '../../proto/ids.ts'
import type { Answer } from '../ports.ts'
import { partsOf, partsReader } from './parts.ts'

const head = { id: newJobId(), reading: { resumable: true, includeUsage: true } }
const one = encodeFrame(1, 0, { kind: 'tokens', ids: [1, 2], texts: ['a', 'b'] })
const two = encodeFrame(2, 2, { kind: 'tokens', ids: [3], texts: ['c'] })
const mute = encodeFrame(2, 3, { kind: 'tokens', ids: [4], texts: [''] })
const end = encodeFrame(2, 4, { kind: 'end', finish: 'stop', promptTokens: 7, cachedTokens: 5 })
const usage = { promptTokens: 7, cachedTokens: 5, completionTokens: 4, reasoningTokens: 0 }
const ended = { after: 5, kind: 'end', finish: 'stop', code: null, usage }
const text = (after: number, its: string) => ({ after, kind: 'text', text: its, logprobs: null })

async function* answerOf(...batches: Uint8Array[][]): AsyncGenerator<Uint8Array[]> {
  yield* batches
}

const all = async (answer: Answer, after = 0) =>
  (await Array.fromAsync(partsOf(answer, head, { after }))).flat()

describe('the parts of a plain answer', () => {
  test('are its text, frame by frame, and its end', async ({ expect }) => {
    const told = await all(answerOf([one], [two, mute, end]))
    expect(told).toEqual([text(2, 'ab'), text(3, 'c'), ended])
  })

  test.for([
    { after: 1, told: [text(2, 'b'), text(3, 'c'), ended] },
    { after: 2, told: [text(3, 'c'), ended] },
    { after: 4, told: [ended] },
    { after: 6, told: [ended] },
  ])('are those that a reader at $after lacks', async ({ after, told }, { expect }) => {
    expect(await all(answerOf([one, two, mute, end]), after)).toEqual(told)
    const cut = [cutFrame(one, 1), two, mute, end]
    expect(await all(answerOf(cut), Math.max(1, after))).toEqual(told)
  })

  test('end with the failure of the job', async ({ expect }) => {
    const failure = new Failure('engine_failed', 'It broke.')
    const broken = async function* () {
      yield [one]
      throw failure
    }
    await expect(all(broken())).rejects.toBe(failure)
    await expect(all(answerOf([one]))).rejects.toThrow('without its last frame')
  })

  test('are read a batch at a time', ({ expect }) => {
    const read = partsReader(head)
    expect(read([one])).toEqual([text(2, 'ab')])
    expect(read([mute])).toEqual([])
    expect(read([two, end]).map(({ kind }) => kind)).toEqual(['text', 'end'])
  })
})
