import type { Job } from '../../proto/job.ts'
import type { Price } from '../../proto/money.ts'
import { WHOLE } from '../../proto/money.ts'
import { EVERY_MODEL, millionthsOf, type PriceView } from '../../proto/price.ts'

/**
 * What a model costs a job that is admitted at a moment: of the versions that were in force the last, its own before that of
 * every model. Nothing where it has no price, which is not the same as costing nothing.
 */
export function priceOf(
  prices: readonly PriceView[],
  { model, priority }: Pick<Job, 'model' | 'priority'>,
  atMs: number,
): Price | undefined {
  const version = inForce(prices, model, atMs) ?? inForce(prices, EVERY_MODEL, atMs)
  if (!version) return undefined
  const { prompt, cached, completion, batchFactor } = version
  const millionths = priority === 'batch' ? millionthsOf(batchFactor) : WHOLE
  return { prompt, cached, completion, millionths }
}

/** The same for an answer that was kept from an earlier request and is given again. */
export function replayPriceOf(
  prices: readonly PriceView[],
  job: Pick<Job, 'model' | 'priority'>,
  atMs: number,
): Price | undefined {
  const version = inForce(prices, job.model, atMs) ?? inForce(prices, EVERY_MODEL, atMs)
  const price = priceOf(prices, job, atMs)
  return price && version && { ...price, millionths: millionthsOf(version.replayFactor) }
}

function inForce(prices: readonly PriceView[], model: string, atMs: number): PriceView | undefined {
  let last: PriceView | undefined
  let lastMs = Number.NEGATIVE_INFINITY
  for (const price of prices) {
    const fromMs = Date.parse(price.from)
    if (price.model !== model || fromMs > atMs || fromMs < lastMs) continue
    last = price
    lastMs = fromMs
  }
  return last
}
