import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { BY_TOKENS, charge, costOf, reachOf, tariffOf, type Price } from './money.ts'

const tokens = fc.integer({ min: 0, max: 2_000_000 })
const nanos = fc.bigInt({ min: 0n, max: 10n ** 18n })
const price = fc.record({
  prompt: nanos.map(String),
  cached: nanos.map(String),
  completion: nanos.map(String),
  millionths: fc.constantFrom(1_000_000, 500_000, 333_333, 0),
})
const usage = fc.record({ promptTokens: tokens, cachedTokens: tokens, completionTokens: tokens })
const tariff = fc.oneof(price.map(tariffOf), fc.constant(BY_TOKENS))

const cheap: Price = { prompt: '0', cached: '0', completion: '1', millionths: 1_000_000 }

/** Whether it goes to the limit, or not one further. */
const isAll = (reach: number, limit: number, beyond: () => boolean): boolean =>
  reach === limit || beyond()

describe('a cost', () => {
  test('is of these amounts', ({ expect }) => {
    // 2.50 a million for the prompt, half of that where it is warm, 10.00 for the answer.
    const known: Price = {
      prompt: '2500000000',
      cached: '1250000000',
      completion: '10000000000',
      millionths: 1_000_000,
    }
    const used = { promptTokens: 1_000, cachedTokens: 400, completionTokens: 200 }
    expect(costOf(known, used)).toBe(1_500_000n + 500_000n + 2_000_000n)
    expect(costOf({ ...known, millionths: 500_000 }, used)).toBe(2_000_000n)
  })

  test('is rounded up, once a job', ({ expect }) => {
    const one = { promptTokens: 0, cachedTokens: 0, completionTokens: 1 }
    expect(costOf(cheap, one)).toBe(1n)
    expect(costOf(cheap, { ...one, completionTokens: 1_000_000 })).toBe(1n)
    expect(costOf(cheap, { ...one, completionTokens: 1_000_001 })).toBe(2n)
    expect(costOf(cheap, { ...one, completionTokens: 0 })).toBe(0n)
  })

  test('is less than one unit above the exact one, and never below', ({ expect }) => {
    fc.assert(
      fc.property(tariff, usage, (rates, used) => {
        const warm = BigInt(Math.min(used.cachedTokens, used.promptTokens))
        const exact =
          rates.prompt * (BigInt(used.promptTokens) - warm) +
          rates.cached * warm +
          rates.completion * BigInt(used.completionTokens)
        const above = charge(rates, used) * rates.scale - exact
        expect(above).toBeGreaterThanOrEqual(0n)
        expect(above).toBeLessThan(rates.scale)
      }),
    )
  })
})

describe('what an amount pays for', () => {
  test('is charged no more than it, and one token more would be', ({ expect }) => {
    fc.assert(
      fc.property(tariff, usage, nanos, (rates, used, amount) => {
        const limit = 1_000_000
        const reach = reachOf(rates, used, amount, limit)
        const at = (completionTokens: number) => charge(rates, { ...used, completionTokens })
        expect(reach).toBeGreaterThanOrEqual(-1)
        expect(reach).toBeLessThanOrEqual(limit)
        expect(at(Math.max(reach, 0)) <= amount).toBe(reach >= 0)
        expect(isAll(reach, limit, () => at(reach + 1) > amount)).toBe(true)
      }),
    )
  })
})
