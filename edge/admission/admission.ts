import { newJobId, type GatewayId, type JobId } from '../../proto/ids.ts'
import {
  DEFAULT_DEADLINE_MS,
  type ChatJob,
  type EmbedJob,
  type Job,
  type Reading,
  type RerankJob,
  type Sampling,
} from '../../proto/job.ts'
import { randomU32 } from '../../proto/random.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import { requireModel } from '../auth/require-model.ts'
import { otherKind } from '../catalogue/other-kind.ts'
import { unknownModel } from '../catalogue/unknown-model.ts'
import { releaseJob, takeForJob } from '../limit/job-limit.ts'
import type { Answer, AskOptions, Ports, Served } from '../ports.ts'
import { marksOf } from './marks-of.ts'
import type { Asker } from './asker.ts'
import { cachingOf } from './caching.ts'
import { tellQueued } from './tell-queued.ts'

/** A seed that nobody asked for is drawn here, and is no part of the question. */
type Drawing = Omit<Sampling, 'seed'> & { seed?: number }

/** What is to be computed, whoever asks for it and in whatever format it is told. */
export type Work =
  | ({ kind: 'chat'; sampling: Drawing } & Pick<
      ChatJob,
      'messages' | 'prompt' | 'calling' | 'effort'
    >)
  | { kind: 'duplex'; input: AsyncIterable<Uint8Array> }
  | ({ kind: 'embed' } & Pick<EmbedJob, 'inputs' | 'dimensions'>)
  | ({ kind: 'rerank' } & Pick<RerankJob, 'query' | 'documents'>)

export interface Wanted {
  /** As the caller names it. */
  model: string
  /** Of its job, where something had to be named after it before. */
  id?: JobId
  includeUsage?: boolean
  /** Whom it is asked for, where the caller says so: `endUserOf`. */
  user?: string | undefined
  /** How else its answer is to be kept. */
  reading?: Pick<Reading, 'stored' | 'endsWithReader' | 'told' | 'tier'>
  /** Done first, with the job as it will be asked: what must be on disk before anybody is told of it. */
  before?: (job: Job) => Promise<void>
  /** What the model that was found is to do. Throws a `Failure` where it cannot. */
  work: (served: Served) => Work
}

export interface Admitted {
  head: AnswerHead
  answer: Answer
  /** It was finished before it was asked for. */
  stored: boolean
}

/** Lets a job in: the one way from a request to a model, which all routes that ask one share. */
export type Admit = (asker: Asker, wanted: Wanted) => Promise<Admitted>

export const admission =
  ({ answers, catalogue, limiter }: Pick<Ports, 'answers' | 'catalogue' | 'limiter'>): Admit =>
  async (asker, wanted) => {
    requireModel(asker.key, wanted.model)
    const served = await catalogue.find(wanted.model)
    if (!served) throw unknownModel(wanted.model)
    const work = wanted.work(served)
    if (work.kind !== served.kind) throw otherKind(served, work.kind)
    const { signal, once, headers } = asker
    const caching = await cachingOf(asker, served, work)
    const job = {
      ...jobOf(asker, wanted, { work, served, gateway: await answers.gateway() }),
      ...(caching && { caching }),
    }
    if (caching) await wanted.before?.(job)
    const recalled = caching && (await answers.recall(job))
    if (asker.key.cache) headers['x-cache'] = recalled ? 'hit' : caching ? 'miss' : 'bypass'
    if (recalled) return { head: job, answer: recalled, stored: false }
    const limited = await takeForJob(limiter, asker, job)
    const how: AskOptions =
      work.kind === 'duplex' ? { signal, limited, input: work.input } : { signal, limited }
    try {
      if (!caching) await wanted.before?.(job)
      const { head, answer, stored } = once
        ? await answers.askOnce(job, once, how)
        : { head: job, answer: await answers.ask(job, how), stored: false }
      // The key stands for another job: this one was never made.
      if (limited && head.id !== job.id) releaseJob(limiter, job)
      if (stored) headers['idempotency-replayed'] = 'true'
      if (answer.queued) tellQueued(headers, answer.queued)
      return { head, answer, stored }
    } catch (thrown) {
      if (limited) releaseJob(limiter, job)
      throw thrown
    }
  }

function jobOf(
  asker: Asker,
  wanted: Wanted,
  { work, served, gateway }: { work: Work; served: Served; gateway: GatewayId },
): Job {
  const marks = work.kind === 'chat' ? marksOf(work, served) : undefined
  const admittedAtMs = Date.now()
  // The user of a token is proven; what a request says is only said.
  const user = asker.key.user?.id ?? wanted.user
  const base = {
    id: wanted.id ?? newJobId(),
    model: wanted.model,
    gateway,
    tenant: asker.key.project,
    organisation: asker.key.organisation,
    key: asker.key.id,
    ...(user === undefined ? {} : { user }),
    priority: asker.priority,
    admittedAtMs,
    deadlineAtMs: admittedAtMs + DEFAULT_DEADLINE_MS,
    reading: {
      resumable: asker.resumable || asker.once !== undefined,
      includeUsage: wanted.includeUsage ?? false,
      ...(asker.endsWithReader && { endsWithReader: true }),
      ...wanted.reading,
      ...(marks && { marks }),
      ...(served.fingerprint !== undefined && { fingerprint: served.fingerprint }),
    },
  }
  if (work.kind === 'duplex') return { ...base, kind: 'duplex' }
  if (work.kind !== 'chat') return { ...base, ...work }
  return { ...base, ...work, sampling: { seed: randomU32(), ...work.sampling } }
}
