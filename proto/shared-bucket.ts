import { z } from 'zod'

const Lease = z.object({
  units: z.number(),
  /** Of the clock that the gateways share. */
  untilMs: z.number(),
  /** Of the gateway's last report that is in here: a write whose answer was lost is known by it. */
  seq: z.number(),
})

/** What all gateways share of one limit. One that nobody wrote of is a full bucket, leased to nobody. */
export const SharedBucket = z.object({
  /** When it is full again: what is leased counts as taken. */
  tatMs: z.number(),
  /** Of the gateways' clock, when this was written. */
  atMs: z.number(),
  /** By gateway. */
  leases: z.record(z.string(), Lease),
})
export type SharedBucket = z.infer<typeof SharedBucket>

/** A bucket as it was stored, and under which stamp. */
export interface BucketRow {
  stamp: string
  shared: SharedBucket
}

/** A bucket as it is to be, if it is still what it was: `was` is the stamp it had, nothing where there was none. */
export interface BucketChange extends BucketRow {
  id: string
  was: string | undefined
}
