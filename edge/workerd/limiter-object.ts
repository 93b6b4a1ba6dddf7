import { DurableObject, waitUntil } from 'cloudflare:workers'
import type { JobId } from '../../proto/ids.ts'
import { MemoryLimiter } from '../limit/memory-limiter.ts'
import type { Ask, Limiter, Used, Verdict } from '../ports.ts'
import type { Bindings } from './bindings.ts'
import { shardOf } from './shard.ts'

/** Enough that no one project's neighbours matter; an object per project would be slow at its first touch. */
const SHARDS = 16

/**
 * The limits of a share of the projects: all buckets that a request touches are its project's, so all or none of them is
 * one call. They stand in memory alone: an object is put to sleep after a minute without a request at the earliest, and
 * by then all its buckets are full again. While it holds streams, their gateways call every few seconds.
 */
export class LimiterObject extends DurableObject<Bindings> {
  readonly #limiter = new MemoryLimiter()

  take(ask: Ask): Verdict {
    this.#limiter.endSilent(SILENT_MS)
    return this.#limiter.take(ask)
  }

  refund(ask: Ask): void {
    this.#limiter.refund(ask)
  }

  end(job: JobId, project: string, used: Used | undefined): void {
    this.#limiter.end(job, project, used)
  }

  renew(jobs: readonly JobId[]): void {
    this.#limiter.renew(jobs)
  }
}

/** How often the gateway of a job that counts says that it runs. */
export const RENEW_MS = 5_000
/** One that was not heard of for so long is gone, and its streams with it. */
const SILENT_MS = 4 * RENEW_MS

/** The limiter as the Worker sees it: every isolate asks the same object for the same project. */
export function objectLimiter({ LIMITER }: Pick<Bindings, 'LIMITER'>): Limiter & {
  renew(project: string, jobs: readonly JobId[]): void
} {
  const objectOf = (project: string): DurableObjectStub<LimiterObject> =>
    LIMITER.get(LIMITER.idFromName(`limiter-${shardOf(project, SHARDS)}`))
  return {
    take: async (ask) => objectOf(ask.project).take(ask),
    refund: (ask) => afterwards(objectOf(ask.project).refund(ask)),
    end: (job, project, used) => afterwards(objectOf(project).end(job, project, used)),
    renew: (project, jobs) => afterwards(objectOf(project).renew(jobs)),
  }
}

/** What is said off the path and lost is mended by time: a bucket fills, a silent job is over. */
const afterwards = (said: Promise<void>): void => waitUntil(said.catch(() => undefined))
