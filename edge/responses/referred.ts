import { Failure } from '../../proto/failure.ts'
import { JobId } from '../../proto/ids.ts'
import { MAX_JOB_BYTES } from '../../proto/job.ts'
import type { ItemResource } from '../../proto/openai/response-items.ts'
import type { ResponseRequest } from '../../proto/openai/responses.ts'
import type { Responses } from '../ports.ts'
import { placeOf } from './input-items.ts'
import { responseIn } from './look-at.ts'

/** Each response that is referred to is read whole, however small the item: so many for one request. */
export const MAX_REFERRED = 64
/** So many are read from the broker at once. */
const AT_ONCE = 4

/**
 * The items that references of a request name, by their ids: those of any stored response of the same project. Each
 * response is read once. Throws where together, as often as they are named, they are more than a job can be.
 */
export async function referredBy(
  { input }: Pick<ResponseRequest, 'input'>,
  tenant: string,
  responses: Pick<Responses, 'look'>,
): Promise<ReadonlyMap<string, ItemResource>> {
  const times = timesNamed(input)
  const byJob = jobsOf(times.keys())
  if (byJob.length > MAX_REFERRED)
    throw new Failure(
      'invalid',
      `The items are of ${byJob.length} responses; ${MAX_REFERRED} are possible: send the items themselves.`,
      { param: 'input' },
    )
  const items = new Map<string, ItemResource>()
  let bytes = 0
  for (let at = 0; at < byJob.length; at += AT_ONCE) {
    const some = byJob.slice(at, at + AT_ONCE)
    const found = await Promise.all(
      some.map(([job, ids]) => itemsIn(job, ids, { tenant, responses })),
    )
    for (const [id, item] of found.flat()) {
      bytes += JSON.stringify(item).length * (times.get(id) ?? 1)
      if (bytes > MAX_JOB_BYTES)
        throw new Failure(
          'too_large',
          `The items that are referred to are longer than ${MAX_JOB_BYTES} bytes.`,
          { param: 'input' },
        )
      items.set(id, item)
    }
  }
  return items
}

function timesNamed(input: ResponseRequest['input']): Map<string, number> {
  const times = new Map<string, number>()
  if (typeof input === 'string') return times
  for (const item of input)
    if (item.type === 'item_reference') times.set(item.id, (times.get(item.id) ?? 0) + 1)
  return times
}

/** What is no id of ours is left out. */
function jobsOf(ids: Iterable<string>): [JobId, string[]][] {
  const byJob = new Map<JobId, string[]>()
  for (const id of ids) {
    const { data: job } = JobId.safeParse(placeOf(id)?.job)
    if (job) byJob.set(job, [...(byJob.get(job) ?? []), id])
  }
  return [...byJob]
}

async function itemsIn(
  job: JobId,
  ids: readonly string[],
  { tenant, responses }: { tenant: string; responses: Pick<Responses, 'look'> },
): Promise<[string, ItemResource][]> {
  const looked = await responses.look(job, tenant)
  if (!looked) return []
  const places = ids.map((id) => ({ id, place: placeOf(id) }))
  const told = places.some(({ place }) => place?.of === 'output')
  const items = { input: looked.asked.input, output: told ? responseIn(looked).output : [] }
  return places.flatMap(({ id, place }) => {
    const item = place && items[place.of][place.at]
    return item ? [[id, item] as [string, ItemResource]] : []
  })
}
