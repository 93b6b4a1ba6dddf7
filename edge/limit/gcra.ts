import type { Verdict } from '../ports.ts'

export interface Quota {
  /** How many in a minute, and in one burst. */
  perMinute: number
}

const WINDOW_MS = 60_000

/**
 * The generic cell rate algorithm. Its whole state is one number per key, the time at which the bucket would be full
 * again (`tat`), so there are no timers and no counters; a refused request consumes nothing.
 */
export function take(
  tat: number,
  now: number,
  { perMinute }: Quota,
  cost = 1,
): Verdict & { tat: number } {
  const interval = WINDOW_MS / perMinute
  const from = Math.max(tat, now)
  const next = from + cost * interval
  const ok = next - now <= WINDOW_MS + 1e-6
  const current = ok ? next : from
  return {
    ok,
    limit: perMinute,
    remaining: Math.max(0, Math.floor((WINDOW_MS - (current - now)) / interval + 1e-9)),
    resetMs: current - now,
    retryMs: ok ? 0 : next - now - WINDOW_MS,
    tat: current,
  }
}
