import type { JobId } from '../../proto/ids.ts'
import type { Ask, Bucket, Used } from '../ports.ts'
import { costIn } from './buckets.ts'

interface Hold {
  ask: Ask
  promptTokens: number
  sinceMs: number
}

/** What was taken for jobs that are not over. A job is settled once, whoever says that it ended and how often. */
export class Holds {
  readonly #holds = new Map<JobId, Hold>()

  add(ask: Ask, nowMs: number): void {
    if (!ask.job) return
    const { id, promptTokens } = ask.job
    this.#holds.set(id, { ask, promptTokens, sinceMs: nowMs })
  }

  /** What each bucket is still owed, or owes where it is less than nothing. */
  end(job: JobId, used: Used | undefined): Correction[] {
    const hold = this.#holds.get(job)
    if (!hold) return []
    this.#holds.delete(job)
    return hold.ask.buckets.map((bucket) => ({ bucket, units: correction(hold, bucket, used) }))
  }

  /** Somebody still answers for these jobs. */
  renew(jobs: readonly JobId[], nowMs: number): void {
    for (const job of jobs) {
      const hold = this.#holds.get(job)
      if (hold) hold.sinceMs = nowMs
    }
  }

  /** The jobs that nobody answered for since then. */
  before(ms: number): JobId[] {
    return [...this.#holds].filter(([, { sinceMs }]) => sinceMs < ms).map(([job]) => job)
  }
}

export interface Correction {
  bucket: Bucket
  units: number
}

function correction({ ask, promptTokens }: Hold, bucket: Bucket, used: Used | undefined): number {
  const taken = costIn(ask.cost, bucket)
  if (bucket.meter === 'streams') return -taken
  if (!used || bucket.meter === 'requests') return 0
  if (bucket.meter === 'audio') return (used.audioSeconds ?? 0) - taken
  return (used.promptTokens ?? promptTokens) + used.completionTokens - taken
}
