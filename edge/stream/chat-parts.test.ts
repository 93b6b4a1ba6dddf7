import { describe, test } from 'vitest'
import { cutFrame, encodeFrame, frameHead, type FrameHead } from '../../proto/frame.ts'
import { ChatCompletion, ChatCompletionChunk } from '../../proto/openai/chat.ts'
import { encodeScore, type Likelihood } from '../../proto/score.ts'
import { logprobsOf } from './chat-parts.ts'

const utf8 = new TextEncoder()
const likely = (bytes: Uint8Array | string, logprob: number, isText = true): Likelihood => ({
  bytes: typeof bytes === 'string' ? utf8.encode(bytes) : bytes,
  isText,
  logprob,
})

const scores = [
  encodeScore({
    token: likely('hi', -0.1),
    top: [likely('hi', -0.1), likely('<end>', -2.5, false)],
  }),
  encodeScore({ token: likely(utf8.encode('é').slice(0, 1), -9999), top: [] }),
]
const scored = encodeFrame(1, 7, { kind: 'tokens', ids: [1, 2], texts: ['hi', ''], scores })
const plain = encodeFrame(1, 7, { kind: 'tokens', ids: [1, 2], texts: ['hi', ''] })
const block = encodeFrame(1, 7, { kind: 'bytes', bytes: utf8.encode('hi') })
const logprobs = (bytes: Uint8Array) => logprobsOf(bytes, frameHead(bytes) as FrameHead)

const ofChoice = (answer: typeof ChatCompletion | typeof ChatCompletionChunk) =>
  answer.shape.choices.element.shape.logprobs

describe('the log probabilities of a frame', () => {
  test("are OpenAI's", ({ expect }) => {
    const told = logprobs(scored)
    expect(told).toEqual({
      content: [
        {
          token: 'hi',
          logprob: -0.1,
          bytes: [0x68, 0x69],
          top_logprobs: [
            { token: 'hi', logprob: -0.1, bytes: [0x68, 0x69] },
            { token: '<end>', logprob: -2.5, bytes: null },
          ],
        },
        { token: '\uFFFD', logprob: -9999, bytes: [0xc3], top_logprobs: [] },
      ],
      refusal: null,
    })
    expect(ofChoice(ChatCompletion).parse(told)).toEqual(told)
    expect(ofChoice(ChatCompletionChunk).parse(told)).toEqual(told)
  })

  test('are those of its tokens that a reader lacks', ({ expect }) => {
    expect(logprobs(cutFrame(scored, 1))?.content).toEqual(logprobs(scored)?.content.slice(1))
  })

  test('are none where nobody asked', ({ expect }) => {
    expect(logprobs(plain)).toBeNull()
    expect(logprobs(block)).toBeNull()
  })
})
