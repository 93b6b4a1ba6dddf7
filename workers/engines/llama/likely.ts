import { encodeScore, type Likelihood } from '../../../proto/score.ts'
import type { NativeContext, NativeSampler } from './bindings.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What stands for the logarithm of nothing, as OpenAI has it. */
const NEVER = -9999

/** Logarithms of probabilities: of the token that was drawn, and of the likeliest, the likeliest first. */
export interface Likely {
  token: number
  top: readonly { token: number; logprob: number }[]
  logprob: number
}

/**
 * How likely a token was by the model itself: before penalties, temperature, top_p and grammar, which is what vLLM
 * tells by default ("raw logprobs"), and, as far as its answers show, OpenAI. `reader` is a sampler that changes nothing.
 */
export async function likelyAt(
  native: NativeContext,
  reader: NativeSampler,
  at: { logits: number; token: number; top: number },
): Promise<Likely> {
  // The highest is always among them: the others are told relative to it.
  const count = Math.max(1, at.top)
  const told = [[at.token], false, false, false, count] as const
  const read = await native.sampleToken(at.logits, reader, false, false, told, true)
  const logits = read[3] ?? []
  const highest = logits[1]
  const weight = read[4]
  if (highest === undefined || weight === undefined) throw new Error('No logits could be read.')
  const logprob = (logit: number | undefined): number =>
    Math.max(NEVER, (logit ?? -Infinity) - highest - Math.log(weight))
  // Pairs of a token and its logit: the highest ones, then the one that was drawn.
  const pairs = Array.from({ length: logits.length / 2 }, (_, i) => ({
    token: logits[2 * i] ?? -1,
    logprob: logprob(logits[2 * i + 1]),
  }))
  const drawn = pairs.findLast(({ token }) => token === at.token)
  return { token: at.token, logprob: drawn?.logprob ?? NEVER, top: pairs.slice(0, at.top) }
}

/** As it goes to the reader. */
export function scoreOf({ token, logprob, top }: Likely, { nameOf }: Pick<Vocabulary, 'nameOf'>) {
  const likelihood = (id: number, its: number): Likelihood => ({ ...nameOf(id), logprob: its })
  return encodeScore({
    token: likelihood(token, logprob),
    top: top.map((other) => likelihood(other.token, other.logprob)),
  })
}
