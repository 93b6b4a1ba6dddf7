import { z } from 'zod'
import { Nanos, WHOLE } from './money.ts'

/** Where a price names no model: what every model costs that has none of its own. */
export const EVERY_MODEL = '*'

const Part = z.number().min(0).max(1)

/** What a million tokens of a model cost from a moment on. */
export const NewPrice = z.object({
  /** `*` is every model that has no price of its own. */
  model: z.string().min(1).max(200),
  prompt: Nanos,
  /** For prompt tokens that a warm slot held; as the others where it is left out. */
  cached: Nanos.optional(),
  completion: Nanos,
  /** Which part of it a batch pays. */
  batchFactor: Part.default(0.5),
  /** Which part of it an answer costs that was not computed, but kept from an earlier request. */
  replayFactor: Part.default(0),
  /** From now on where it is left out. What is past has its price already. */
  from: z.iso.datetime({ offset: true }).optional(),
})
export type NewPrice = z.infer<typeof NewPrice>

export const PriceView = NewPrice.extend({
  cached: Nanos,
  batchFactor: Part,
  replayFactor: Part,
  from: z.iso.datetime(),
})
export type PriceView = z.infer<typeof PriceView>

export const PriceList = z.object({ data: z.array(PriceView) })

export const millionthsOf = (factor: number): number => Math.round(factor * WHOLE)
