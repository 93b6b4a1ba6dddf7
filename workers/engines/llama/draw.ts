import type { Sampling } from '../../../proto/job.ts'
import type { Draw } from './bindings.ts'
import type { Bound } from './grammar/constraint.ts'

/** More than this many tokens are never in question, and sorting a whole large vocabulary for every token is slow. */
const TOP_K = 1024

/** How the token at a position of an answer is chosen: a function of the job and the tokens before it, and nothing else. */
export function drawAt(sampling: Sampling, ids: readonly number[]): Draw {
  const { temperature, topP, frequencyPenalty, presencePenalty, seed, logitBias } = sampling
  const penalised = frequencyPenalty !== 0 || presencePenalty !== 0
  return {
    temperature: topP === 0 ? 0 : temperature,
    topK: TOP_K,
    topP,
    minP: 0,
    seed: seedAt(seed, ids.length),
    ...(logitBias && {
      tokenBiasKeys: Uint32Array.from(logitBias, ([id]) => id),
      tokenBiasValues: Float32Array.from(logitBias, ([, bias]) => bias),
    }),
    ...(penalised && {
      repeatPenalty: 1,
      repeatPenaltyTokens: Uint32Array.from(ids),
      repeatPenaltyMaxTokens: Math.max(1, ids.length),
      repeatPenaltyFrequencyPenalty: frequencyPenalty,
      repeatPenaltyPresencePenalty: presencePenalty,
    }),
  }
}

/** The same, held to a constraint. What may not come does not come, whatever the caller prefers. */
export function drawWithin(how: Draw, bound: Bound): Draw {
  const { tokenBiasKeys: keys, tokenBiasValues: values } = how
  const { tokenBiasKeys: barred, tokenBiasValues: never } = bound
  if (!keys || !values || !barred || !never) return { ...how, ...bound }
  const bars = new Set(barred)
  const wished = [...keys.keys()].filter((i) => !bars.has(keys[i] ?? 0))
  return {
    ...how,
    ...bound,
    tokenBiasKeys: Uint32Array.from([...wished.map((i) => keys[i] ?? 0), ...barred]),
    tokenBiasValues: Float32Array.from([...wished.map((i) => values[i] ?? 0), ...never]),
  }
}

/** A seed for one token. Below 2^32 - 1, which llama.cpp takes to mean "a random one". */
export function seedAt(seed: number, position: number): number {
  // The finaliser of MurmurHash3 (public domain), over seed and position.
  let hash = Math.imul(seed ^ 0x5851_f42d, 0x85eb_ca6b) ^ Math.imul(position + 1, 0x9e37_79b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % 0xffff_ffff
}
