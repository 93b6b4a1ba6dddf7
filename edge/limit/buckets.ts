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
  entry: readonly Bucket[]
  /** By model, for a job whose request was counted at the door, and for one that came without a request. */
  job: Map<string, readonly Bucket[]>
  whole: Map<string, readonly Bucket[]>
}

/** By the key as it is remembered: a key that changed is another object. */
const prepared = new WeakMap<Owner, Prepared>()

/** A request of this key, whatever it asks for. Tokens it only looks at: what is left of them is told with every answer. */
export function askOfRequest(key: Owner): Ask {
  return { project: key.project, buckets: preparedOf(key).entry, cost: REQUEST }
}

/** What a job of this key takes beyond its request, which the requests of its model are a part of. */
export function bucketsOfJob(
  key: Owner,
  model: string,
  { counted }: { counted: boolean },
): readonly Bucket[] {
  const { job, whole } = preparedOf(key)
  const known = counted ? job : whole
  const found = known.get(model)
  if (found) return found
  const own = key.limits.models[model]
  const made = [
    ...bucketsIn('key', key.id, key.limits.key, counted ? BEYOND : ALL),
    ...bucketsIn('project', key.project, key.limits.project, counted ? BEYOND : ALL),
    ...(own ? bucketsIn('model', `${key.project}/${model}`, own, ALL) : []),
  ]
  known.set(model, made)
  return made
}

const ALL: readonly Meter[] = ['requests', 'tokens', 'streams', 'audio']
const BEYOND: readonly Meter[] = ['tokens', 'streams', 'audio']
const AT_THE_DOOR: readonly Meter[] = ['requests', 'tokens']

function preparedOf(key: Owner): Prepared {
  const known = prepared.get(key)
  if (known) return known
  const perUser = key.user?.requestsPerMinute ?? null
  const entry = [
    ...bucketsIn(
      'user',
      `${key.id}/${key.user?.id}`,
      { ...UNLIMITED, requestsPerMinute: perUser },
      AT_THE_DOOR,
    ),
    ...bucketsIn('key', key.id, key.limits.key, AT_THE_DOOR),
    ...bucketsIn('project', key.project, key.limits.project, AT_THE_DOOR),
  ]
  const made = { entry, whole: new Map(), job: new Map() }
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
