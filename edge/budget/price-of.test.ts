import { describe, expect, test } from 'vitest'
import type { PriceView } from '../../proto/price.ts'
import { priceOf, replayPriceOf } from './price-of.ts'

const atMs = Date.parse('2030-06-01T00:00:00Z')

const version = (model: string, from: string, prompt: string): PriceView => ({
  model,
  prompt,
  cached: '1',
  completion: '2',
  batchFactor: 0.5,
  replayFactor: 0.1,
  from,
})
const prices = [
  version('*', '2030-01-01T00:00:00Z', '9'),
  version('a', '2030-05-01T00:00:00Z', '20'),
  version('a', '2030-01-01T00:00:00Z', '10'),
  version('a', '2030-06-01T00:00:00.001Z', '30'),
]
const ask = (model: string) => ({ model, priority: 'default' as const })

describe('the price of a model', () => {
  test('is the last version that has come into force', () => {
    expect(priceOf(prices, ask('a'), atMs)).toMatchObject({ prompt: '20', millionths: 1_000_000 })
    expect(priceOf(prices, ask('a'), atMs + 1)).toMatchObject({ prompt: '30' })
  })

  test('is that of every model where it has none of its own', () => {
    expect(priceOf(prices, ask('b'), atMs)).toMatchObject({ prompt: '9' })
    expect(priceOf(prices.slice(1), ask('b'), atMs)).toBeUndefined()
    expect(priceOf(prices, ask('b'), 0)).toBeUndefined()
  })

  test('is a part of it for a batch, and for an answer that was kept', () => {
    expect(priceOf(prices, { model: 'a', priority: 'batch' }, atMs)?.millionths).toBe(500_000)
    expect(replayPriceOf(prices, ask('a'), atMs)?.millionths).toBe(100_000)
  })
})
