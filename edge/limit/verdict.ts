import type { Bucket, Reading, Verdict } from '../ports.ts'
import { HAIR, msPerUnit } from './gcra.ts'

/** Adds a bucket to what is told: of several with the same meter, the one nearest to empty. */
export function tell(verdict: Verdict, bucket: Bucket, units: number): void {
  const { meter, limit } = bucket
  if (meter !== 'requests' && meter !== 'tokens') return
  const remaining = Math.max(0, Math.floor(units + HAIR))
  const told = verdict[meter]
  if (told && told.remaining <= remaining) return
  const resetMs = Math.max(0, limit - units) * msPerUnit(limit)
  verdict[meter] = { limit, remaining, resetMs } satisfies Reading
}

/** Nobody knows when a stream ends. */
const STREAM_MS = 1_000

/** Refuses for want of `missing` units, unless another bucket wants for longer. */
export function refuse(verdict: Verdict, bucket: Bucket, missing: number): void {
  const retryMs =
    bucket.meter === 'streams' ? STREAM_MS : Math.max(1, missing * msPerUnit(bucket.limit))
  if (verdict.refusal && verdict.refusal.retryMs >= retryMs) return
  verdict.refusal = { bucket, retryMs }
}
