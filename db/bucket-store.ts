import type { BucketChange } from '../proto/shared-bucket.ts'
import type { Ask } from './money.ts'
import { bucketClockMs, dropBuckets, swapBuckets } from './queries/limit-buckets.ts'

/** The buckets that gateways share, in Postgres. */
export const bucketStore = (ask: Ask) => ({
  swap: (changes: readonly BucketChange[]) => ask((db) => swapBuckets(db, changes)),
  clockMs: () => ask(bucketClockMs),
  drop: (beforeMs: number) => ask((db) => dropBuckets(db, beforeMs)),
})
