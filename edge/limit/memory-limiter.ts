import type { JobId } from '../../proto/ids.ts'
import { monotonicMs } from '../clock.ts'
import type { Ask, Bucket, Limiter, Used, Verdict } from '../ports.ts'
import { costIn } from './buckets.ts'
import { drained, HAIR, levelAt } from './gcra.ts'
import { Holds } from './holds.ts'
import { refuse, tell } from './verdict.ts'

const SWEEP_AT = 10_000

/** Whole limits in the memory of one process, for those who all ask that one. */
export class MemoryLimiter implements Limiter {
  readonly #tats = new Map<string, number>()
  readonly #streams = new Map<string, number>()
  readonly #holds = new Holds()

  take(ask: Ask): Verdict {
    const nowMs = monotonicMs()
    const verdict: Verdict = {}
    for (const bucket of ask.buckets) {
      const missing = costIn(ask.cost, bucket) - this.#level(bucket, nowMs)
      if (missing > HAIR && costIn(ask.cost, bucket) > 0) refuse(verdict, bucket, missing)
    }
    for (const bucket of ask.buckets) {
      const cost = costIn(ask.cost, bucket)
      if (!verdict.refusal && cost > 0) this.#drain(bucket, cost, nowMs)
      tell(verdict, bucket, this.#level(bucket, nowMs))
    }
    if (!verdict.refusal) this.#holds.add(ask, nowMs)
    if (this.#tats.size >= SWEEP_AT) this.#sweep(nowMs)
    return verdict
  }

  refund({ buckets, cost }: Ask): void {
    const nowMs = monotonicMs()
    for (const bucket of buckets) this.#drain(bucket, -costIn(cost, bucket), nowMs)
  }

  end(job: JobId, _project: string, used: Used | undefined): void {
    const nowMs = monotonicMs()
    for (const { bucket, units } of this.#holds.end(job, used)) this.#drain(bucket, units, nowMs)
  }

  /** Somebody still answers for these jobs. */
  renew(jobs: readonly JobId[]): void {
    this.#holds.renew(jobs, monotonicMs())
  }

  /** Jobs that nobody answered for in so long run no longer. */
  endSilent(ms: number): void {
    for (const job of this.#holds.before(monotonicMs() - ms)) this.end(job, '', undefined)
  }

  #level(bucket: Bucket, nowMs: number): number {
    const { id, limit, meter } = bucket
    if (meter === 'streams') return limit - (this.#streams.get(id) ?? 0)
    return levelAt(this.#tats.get(id) ?? 0, limit, nowMs)
  }

  #drain({ id, limit, meter }: Bucket, units: number, nowMs: number): void {
    if (units === 0) return
    if (meter !== 'streams')
      this.#tats.set(id, drained(this.#tats.get(id) ?? 0, limit, units, nowMs))
    else {
      const left = (this.#streams.get(id) ?? 0) + units
      if (left > 0) this.#streams.set(id, left)
      else this.#streams.delete(id)
    }
  }

  /** A bucket that is full again is as good as none. */
  #sweep(nowMs: number): void {
    for (const [id, tatMs] of this.#tats) if (tatMs <= nowMs) this.#tats.delete(id)
  }
}
