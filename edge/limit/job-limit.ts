import { SAYS, type Job } from '../../proto/job.ts'
import type { Ask, Bucket, Key, Limiter, Used } from '../ports.ts'
import { bucketsOfJob } from './buckets.ts'
import { promptTokensIn } from './estimate.ts'
import { limitReached, neverFits, tellLimits } from './told.ts'

/** What an answer is taken to need where the caller sets no bound. It is corrected at the answer's end. */
const ANSWER_TOKENS = 1_024

/** The share of an estimated prompt that it has at the least. */
const SURELY = 0.5

const NOTHING: Used = { promptTokens: 0, completionTokens: 0 }

interface JobAsker {
  key: Pick<Key, 'id' | 'project' | 'limits'>
  headers: Record<string, string>
}

/**
 * Takes what a job needs beyond its request: tokens as an estimate, a stream, a request of its model. Throws the refusal
 * of whichever limit is reached, and nothing was taken. Whether the limiter waits for the job's end.
 */
export async function takeForJob(
  limiter: Limiter,
  { key, headers }: JobAsker,
  job: Job,
): Promise<boolean> {
  const buckets = bucketsOfJob(key, job.model)
  if (buckets.length === 0) return false
  const taken = limiter.take(askOfJob(job, buckets))
  const verdict = taken instanceof Promise ? await taken : taken
  tellLimits(headers, verdict)
  if (verdict.refusal) throw limitReached(verdict.refusal)
  return true
}

/** The job was never made: what was taken for it goes back, but for the request that was made. */
export const releaseJob = (limiter: Limiter, { id, tenant }: Pick<Job, 'id' | 'tenant'>): void =>
  limiter.end(id, tenant, NOTHING)

function askOfJob(job: Job, buckets: readonly Bucket[]): Ask {
  const least = smallest(buckets)
  const promptTokens = least ? promptTokensIn(job) : 0
  const maxTokens = mostTokensOf(job)
  const tokens = promptTokens + (maxTokens ?? ANSWER_TOKENS)
  const cost = { requests: 1, streams: 1, tokens: Math.min(tokens, least?.limit ?? tokens) }
  // An estimate gives way, and the answer's end corrects it. What surely is too much never passes.
  if (least && promptTokens * SURELY + (maxTokens ?? 0) > least.limit)
    throw neverFits(least, tokens, maxTokens ? 'max_tokens' : TOO_MUCH[job.kind])
  return { project: job.tenant, buckets, cost, job: { id: job.id, promptTokens } }
}

/** The field that makes a job of its kind too large. */
const TOO_MUCH: Record<Job['kind'], string> = {
  chat: 'messages',
  duplex: 'messages',
  embed: 'input',
  rerank: 'documents',
}

function mostTokensOf(job: Job): number | null {
  if (!SAYS[job.kind]) return 0
  return 'sampling' in job ? job.sampling.maxTokens : null
}

const smallest = (buckets: readonly Bucket[]): Bucket | undefined =>
  buckets.filter(({ meter }) => meter === 'tokens').toSorted((a, b) => a.limit - b.limit)[0]
