import type { UsageRow } from '../proto/usage.ts'
import type { RowsAsk, UsageAsk, UsageSum } from '../proto/usage-report.ts'
import type { Ask } from './money.ts'
import { sumUsage, usageRows } from './queries/read-usage.ts'

/** Reads usage, however a runtime reaches its database. */
export const usageBook = (ask: Ask) => ({
  sums: (wanted: UsageAsk): Promise<UsageSum[]> => ask((db) => sumUsage(db, wanted)),
  rows: (wanted: RowsAsk): Promise<UsageRow[]> => ask((db) => usageRows(db, wanted)),
})
