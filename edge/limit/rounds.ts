import { newNonce } from '../../proto/ids.ts'
import type { BucketChange, BucketRow } from '../../proto/shared-bucket.ts'
import { within } from '../within.ts'
import { step } from './lease.ts'
import type { Slice } from './slice.ts'

/** Where all gateways keep the buckets that they share. */
export interface BucketStore {
  /**
   * Writes each bucket that is still as it was when it was read (`was`, nothing for one that was not there). Answers
   * with those that were not, as they are now, or as nothing where that is not known yet.
   */
  swap(changes: readonly BucketChange[]): Promise<ReadonlyMap<string, BucketRow | undefined>>
  /** A time that is not before any that was written, in milliseconds. */
  clockMs(): Promise<number>
  /** Forgets buckets that were last written before then. */
  drop(beforeMs: number): Promise<void>
}

/** Away is what does not answer within this: whoever waits for it waits once, for a store that is away is not waited for. */
const STORE_MS = 2_000
/** Others wrote at the same time: after so many tries it is left to the next round. */
const TRIES = 5

/**
 * The time that leases are dated by: what the gateways' own clocks make of it, which only go forward. The store's clock
 * is asked once in a gateway's life, so nobody's wall clock has a say after that.
 */
export class SharedClock {
  #aheadMs: number | undefined

  async open(store: BucketStore, nowMs: () => number): Promise<void> {
    this.#aheadMs ??= (await within(STORE_MS, store.clockMs())) - nowMs()
  }

  at(nowMs: number): number {
    return nowMs + (this.#aheadMs ?? 0)
  }

  /** When it was so much, by our own clock. */
  here(sharedMs: number): number {
    return sharedMs - (this.#aheadMs ?? 0)
  }

  /** Another gateway is ahead of us: all go by the foremost. */
  follow(atMs: number, nowMs: number): void {
    this.#aheadMs = Math.max(this.#aheadMs ?? 0, atMs - nowMs)
  }
}

/** What requests wait for, of one bucket. */
export interface Want {
  least: number
  waiting: number
}

/** Tells the store what was used of some buckets, and leases what is wanted: one statement, if nobody else writes. */
export async function round(
  store: BucketStore,
  wants: ReadonlyMap<Slice, Want>,
  { clock, nowMs }: { clock: SharedClock; nowMs: () => number },
): Promise<void> {
  await clock.open(store, nowMs)
  let left = [...wants]
  for (let tries = 0; left.length > 0 && tries < TRIES; tries++) {
    const sentAtMs = nowMs()
    const sent = left.map(([slice, want]) => changeOf(slice, want, clock.at(sentAtMs)))
    const lost = await within(STORE_MS, store.swap(sent))
    const receivedAtMs = nowMs()
    left = left.filter(([slice], i) => {
      const { id } = slice.bucket
      const isLost = lost.has(id)
      const row: BucketRow | undefined = isLost ? lost.get(id) : sent[i]
      slice.row = row
      if (!row) return true
      clock.follow(row.shared.atMs, receivedAtMs)
      // Lost, and yet ours is there: it was written earlier, and only the answer was lost. The rest is told in the next try.
      if (slice.arrivedIn(row.shared)) {
        const atMs = clock.here(row.shared.atMs)
        slice.absorb(row.shared, { sentAtMs, atMs, nowMs: receivedAtMs })
      }
      return isLost
    })
  }
}

function changeOf(slice: Slice, want: Want, clockMs: number): BucketChange {
  const { bucket, row } = slice
  const shared = step(row?.shared, bucket, slice.report(want), clockMs)
  return { id: bucket.id, was: row?.stamp, stamp: newNonce(), shared }
}
