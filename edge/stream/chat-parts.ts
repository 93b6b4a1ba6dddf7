import { FRAME_HEADER_BYTES, scoresOf, textOf } from '../../proto/frame.ts'
import type { Logprobs, TokenLogprob } from '../../proto/openai/chat.ts'
import { decodeScore, nameOf, type Likelihood } from '../../proto/score.ts'

const blocks = new TextDecoder('utf-8', { ignoreBOM: true })

/** What a frame shows: the text of its tokens, or, of a duplex job, its block read as text. */
export function pieceOf(bytes: Uint8Array, frame: { kind: string; count: number }): string {
  if (frame.kind === 'tokens') return textOf(bytes, frame.count)
  return frame.kind === 'bytes' ? blocks.decode(bytes.subarray(FRAME_HEADER_BYTES)) : ''
}

/**
 * What a frame says of how likely its tokens were, as OpenAI writes it: `choices[].logprobs` of one event, or, with the
 * `content` of all frames together, of a whole answer. `null` where the frame says nothing of it. Throws a `Failure`
 * where it cannot be read.
 */
export function logprobsOf(
  bytes: Uint8Array,
  frame: { kind: string; count: number },
): Logprobs | null {
  const scores = frame.kind === 'tokens' ? scoresOf(bytes, frame.count) : []
  return scores.length === 0 ? null : { content: scores.map(tokenLogprob), refusal: null }
}

function tokenLogprob(score: Uint8Array): TokenLogprob {
  const { token, top } = decodeScore(score)
  return { ...logprob(token), top_logprobs: top.map(logprob) }
}

const logprob = (likely: Likelihood): Omit<TokenLogprob, 'top_logprobs'> => ({
  token: nameOf(likely),
  // All that a 32 bit float knows.
  logprob: Number(likely.logprob.toPrecision(8)),
  bytes: likely.isText ? Array.from(likely.bytes) : null,
})
