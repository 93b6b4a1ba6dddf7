import { integer } from 'drizzle-orm/pg-core'

/** A fresh set of columns for each table: how much may be taken, as `proto/limits.ts` says it. Null is no limit. */
export const limitColumns = () => ({
  requestsPerMinute: integer(),
  tokensPerMinute: integer(),
  concurrentStreams: integer(),
  audioSecondsPerMinute: integer(),
})
