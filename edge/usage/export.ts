import { csvLine } from '../../proto/csv.ts'
import { recordOf, UsageRecord, type UsageRow } from '../../proto/usage.ts'
import type { RowsAsk } from '../../proto/usage-report.ts'
import type { UsageBook } from '../ports.ts'

/** Rows of one question. Each is asked for when the last have been read, so a slow reader holds no transaction open. */
const ROWS_AT_ONCE = 1_000

const COLUMNS = Object.keys(UsageRecord.shape) as (keyof UsageRecord)[]

export type Format = 'csv' | 'jsonl'

export const TYPES: Record<Format, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
}

/**
 * All rows as a file, in the order of admission. The first are read before it begins, so that a database that is away is
 * an error and no file; where it goes away later the file breaks off.
 */
export async function exportOf(
  book: UsageBook,
  ask: Omit<RowsAsk, 'after' | 'limit'>,
  format: Format,
): Promise<ReadableStream<Uint8Array>> {
  const utf8 = new TextEncoder()
  let after: RowsAsk['after']
  const more = async (): Promise<UsageRow[]> => {
    const rows = await book.rows({ ...ask, after, limit: ROWS_AT_ONCE })
    after = rows.at(-1) ?? after
    return rows
  }
  let rows = await more()
  let opening = format === 'csv' ? csvLine(COLUMNS) : ''
  return new ReadableStream({
    async pull(controller) {
      const text = opening + rows.map((row) => lineOf(row, format)).join('')
      opening = ''
      // An empty piece would end nothing and say nothing: the stream would wait for another pull for ever.
      if (text) controller.enqueue(utf8.encode(text))
      if (rows.length < ROWS_AT_ONCE) controller.close()
      else rows = await more()
    },
  })
}

function lineOf(row: UsageRow, format: Format): string {
  const record = recordOf(row)
  if (format === 'jsonl') return `${JSON.stringify(record)}\n`
  return csvLine(
    COLUMNS.map((name) => {
      const value = record[name]
      return Array.isArray(value) ? value.join(' ') : value
    }),
  )
}
