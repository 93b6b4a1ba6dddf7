import type { z } from 'zod'
import { Failure } from '../../proto/failure.ts'
import type { ItemResource } from '../../proto/openai/response-items.ts'
import type { ItemList } from '../../proto/openai/responses.ts'

interface Asked {
  limit: number
  order: 'asc' | 'desc'
  /** The id of the last item of the page before. */
  after?: string | undefined
}

/** One page of items, in the order asked for. */
export function pageOf(
  items: readonly ItemResource[],
  { limit, order, after }: Asked,
): z.infer<typeof ItemList> {
  const all = order === 'asc' ? items : items.toReversed()
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
  if (after !== undefined && from === 0)
    throw new Failure('invalid', `There is no item '${after}' in this response.`, {
      param: 'after',
    })
  const data = all.slice(from, from + limit)
  return {
    object: 'list',
    data,
    has_more: from + limit < all.length,
    first_id: data[0]?.id ?? '',
    last_id: data.at(-1)?.id ?? '',
  }
}
