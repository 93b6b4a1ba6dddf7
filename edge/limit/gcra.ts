export const WINDOW_MS = 60_000

/**
 * The generic cell rate algorithm. The whole state of a bucket is one number, the time at which it would be full again
 * (`tatMs`), so there are no timers and no counters, and a bucket that nobody remembers is a full one.
 *
 * What is in it: `limit` at most, less than nothing while it is in debt.
 */
export const levelAt = (tatMs: number, limit: number, nowMs: number): number =>
  limit - (Math.max(tatMs, nowMs) - nowMs) / msPerUnit(limit)

/** The bucket after so many units were taken from it; what is put back is taken less than nothing. */
export const drained = (tatMs: number, limit: number, units: number, nowMs: number): number =>
  Math.max(tatMs, nowMs) + units * msPerUnit(limit)

/** How long a bucket of so many a minute needs for one more. */
export const msPerUnit = (limit: number): number => WINDOW_MS / limit

/** Sums of fractions are a hair off: less than this is nothing. */
export const HAIR = 1e-6
