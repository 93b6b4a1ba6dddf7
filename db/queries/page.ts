import type { Page } from '../../proto/paging.ts'

/** Asked for one more than is wanted, a query tells whether there are more. */
export const pageFrom = <Row, T>(rows: Row[], limit: number, view: (row: Row) => T): Page<T> => ({
  data: rows.slice(0, limit).map(view),
  hasMore: rows.length > limit,
})
