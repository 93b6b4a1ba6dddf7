import { asc, sql } from 'drizzle-orm'
import { WHOLE } from '../../proto/money.ts'
import { millionthsOf, NewPrice, type PriceView } from '../../proto/price.ts'
import type { Sql } from '../client.ts'
import { prices } from '../schema/prices.ts'

/**
 * Adds a version of a price. One that was announced for the same moment is replaced, if that is yet to come. Answers
 * nothing where `from` is past: what was charged stays as it was.
 */
export async function addPrice(db: Sql, wanted: NewPrice): Promise<PriceView | undefined> {
  const {
    model,
    prompt,
    cached = prompt,
    completion,
    batchFactor,
    replayFactor,
    from,
  } = NewPrice.parse(wanted)
  const amounts = {
    prompt,
    cached,
    completion,
    batchMillionths: millionthsOf(batchFactor),
    replayMillionths: millionthsOf(replayFactor),
  }
  if (from !== undefined && Date.parse(from) < Date.now()) return undefined
  const at = from === undefined ? new Date() : new Date(from)
  const [row] = await db
    .insert(prices)
    .values({ model, from: at, ...amounts })
    .onConflictDoUpdate({
      target: [prices.model, prices.from],
      set: amounts,
      setWhere: sql`${prices.from} >= now()`,
    })
    .returning()
  return row && viewOf(row)
}

/** All versions, each model's in the order in which they come into force. */
export async function listPrices(db: Sql): Promise<PriceView[]> {
  const rows = await db.select().from(prices).orderBy(asc(prices.model), asc(prices.from))
  return rows.map(viewOf)
}

const viewOf = ({
  batchMillionths,
  replayMillionths,
  from,
  ...rest
}: typeof prices.$inferSelect): PriceView => ({
  ...rest,
  from: from.toISOString(),
  batchFactor: batchMillionths / WHOLE,
  replayFactor: replayMillionths / WHOLE,
})
