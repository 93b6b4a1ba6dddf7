import { z } from 'zod'
import type { Usage } from './ledger.ts'

/** 1e-9 of the operator's currency unit, whole and not negative. As text, since JSON's numbers end where a double does. */
export const Nanos = z
  .string()
  .regex(
    /^(0|[1-9]\d{0,26})$/,
    'An amount is a whole number of nano-units, as text, of 27 digits at most.',
  )
export type Nanos = z.infer<typeof Nanos>

/** Whole prices and no more are asked, where nobody says otherwise. */
export const WHOLE = 1_000_000

const Millionths = z.int().min(0).max(WHOLE)

/** What tokens cost: nano-units for a million of each sort, and which part of it a job pays. Fixed at admission. */
export const Price = z.object({
  prompt: Nanos,
  /** For prompt tokens that a warm slot held already. */
  cached: Nanos,
  completion: Nanos,
  /** 1,000,000 is the whole of it. */
  millionths: Millionths.default(WHOLE),
})
export type Price = z.infer<typeof Price>

/** A price as a rational number: `scale` of these are one unit of what is charged. */
export interface Tariff {
  prompt: bigint
  cached: bigint
  completion: bigint
  scale: bigint
}

type Prompt = Pick<Usage, 'promptTokens' | 'cachedTokens'>

/** For budgets in tokens: each counts, wherever it came from. */
export const BY_TOKENS: Tariff = { prompt: 1n, cached: 1n, completion: 1n, scale: 1n }

export function tariffOf({ prompt, cached, completion, millionths }: Price): Tariff {
  const part = BigInt(millionths)
  return {
    prompt: BigInt(prompt) * part,
    cached: BigInt(cached) * part,
    completion: BigInt(completion) * part,
    // So many tokens a price is for, and so many parts a whole has.
    scale: 1_000_000n * BigInt(WHOLE),
  }
}

/** What a job is charged. Computed exactly and rounded once, up, at its end: no job is free that made a token. */
export function charge(
  tariff: Tariff,
  { promptTokens, cachedTokens, completionTokens }: Usage,
): bigint {
  const exact =
    promptPart(tariff, { promptTokens, cachedTokens }) +
    tariff.completion * BigInt(completionTokens)
  return (exact + tariff.scale - 1n) / tariff.scale
}

/**
 * How many tokens an answer may have at most, and no more than `limit`, that its charge is not above `amount`: -1 where
 * that does not pay for the prompt. The inverse of `charge`.
 */
export function reachOf(tariff: Tariff, prompt: Prompt, amount: bigint, limit: number): number {
  const left = amount * tariff.scale - promptPart(tariff, prompt)
  if (left < 0n) return -1
  if (tariff.completion === 0n) return limit
  const tokens = left / tariff.completion
  return tokens < BigInt(limit) ? Number(tokens) : limit
}

function promptPart(tariff: Tariff, { promptTokens, cachedTokens }: Prompt): bigint {
  const warm = Math.min(cachedTokens, promptTokens)
  return tariff.prompt * BigInt(promptTokens - warm) + tariff.cached * BigInt(warm)
}

/** What a job costs at a price, in nano-units. */
export const costOf = (price: Price, usage: Usage): bigint => charge(tariffOf(price), usage)
