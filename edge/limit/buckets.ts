import { UNLIMITED, type Limits } from '../../proto/limits.ts'
import type { Ask, Bucket, Cost, Key, Meter, Scope } from '../ports.ts'

/** The field of `Limits` that each meter is bounded by. */
const fields: Record<Meter, keyof Limits> = {
  requests: 'requestsPerMinute',
  tokens: 'tokensPerMinute',
  streams: 'concurrentStreams',
  audio: 'audioSecondsPerMinute',
}

const REQUEST: Cost = { requests: 1, tokens: 0 }

type Owner = Pick<Key, 'id' | 'project' | 'limits'> & Partial<Pick<Key, 'user'>>

interface Prepared {
  request: Ask
  /** By model. */
  jobs: Map<string, readonly Bucket[]>
}

/** By the key as it is remembered: a key that changed is another object. */
const prepared = new WeakMap<Owner, Prepared>()

/** A request of this key, whatever it asks for. Tokens it only looks at: what is left of them is told with every answer. */
export const askOfRequest = (key: Owner): Ask => preparedOf(key).request

/** What a job of this key takes beyond its request, which of its model's limits is a part. */
export function bucketsOfJob(key: Owner, model: string): readonly Bucket[] {
  const { jobs } = preparedOf(key)
  const known = jobs.get(model)
  if (known) return known
  const own = key.limits.models[model]
  const made = [
    ...bucketsIn('key', key.id, key.limits.key, OF_JOB),
    ...bucketsIn('project', key.project, key.limits.project, OF_JOB),
    ...(own ? bucketsIn('model', `${key.project}/${model}`, own, OF_MODEL) : []),
  ]
  jobs.set(model, made)
  return made
}

const OF_REQUEST: readonly Meter[] = ['requests', 'tokens']
const OF_JOB: readonly Meter[] = ['tokens', 'streams', 'audio']
const OF_MODEL: readonly Meter[] = ['requests', ...OF_JOB]

function preparedOf(key: Owner): Prepared {
  const known = prepared.get(key)
  if (known) return known
  const perUser = { ...UNLIMITED, requestsPerMinute: key.user?.requestsPerMinute ?? null }
  const buckets = [
    ...bucketsIn('user', `${key.id}/${key.user?.id}`, perUser, OF_REQUEST),
    ...bucketsIn('key', key.id, key.limits.key, OF_REQUEST),
    ...bucketsIn('project', key.project, key.limits.project, OF_REQUEST),
  ]
  const made = { request: { project: key.project, buckets, cost: REQUEST }, jobs: new Map() }
  prepared.set(key, made)
  return made
}

function bucketsIn(
  scope: Scope,
  owner: string,
  limits: Limits,
  meters: readonly Meter[],
): Bucket[] {
  return meters.flatMap((meter) => {
    const limit = limits[fields[meter]]
    return limit === null ? [] : [{ id: `${meter}:${owner}`, scope, meter, limit }]
  })
}

export const costIn = (cost: Cost, { meter }: Bucket): number => cost[meter] ?? 0
