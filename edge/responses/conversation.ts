import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import { MAX_JOB_BYTES } from '../../proto/job.ts'
import type { ItemResource } from '../../proto/openai/response-items.ts'
import { jobOfResponse } from '../../proto/stored-response.ts'
import type { Looked, Responses } from '../ports.ts'
import { responseIn } from './look-at.ts'

/** Turns of one conversation at most: who comes later begins another. */
const MAX_TURNS = 1_000
/** So many are read from the broker at once. */
const AT_ONCE = 16

export interface Past {
  /** The turns before, the first one first. */
  ancestors: JobId[]
  /** What was said in them. */
  items: ItemResource[]
}

/** The conversation that a request goes on with. Throws where it cannot be rebuilt whole. */
export async function pastOf(
  previous: string | null | undefined,
  tenant: string,
  responses: Responses,
): Promise<Past> {
  if (!previous) return { ancestors: [], items: [] }
  const last = await found(previous, tenant, responses)
  if (!last) throw notFound(previous)
  const ancestors = [...last.asked.ancestors, last.asked.id]
  if (ancestors.length > MAX_TURNS)
    throw refused(`The conversation has ${ancestors.length} turns; ${MAX_TURNS} are possible.`)
  const items: ItemResource[] = []
  let bytes = 0
  for (let at = 0; at < ancestors.length; at += AT_ONCE) {
    const some = ancestors.slice(at, at + AT_ONCE)
    const turns = await Promise.all(
      some.map(async (id) => (id === last.asked.id ? last : responses.look(id, tenant))),
    )
    for (const turn of turns) {
      if (!turn) throw refused('An earlier turn of its conversation was deleted, or is too old.')
      const said = saidIn(turn, previous)
      bytes += JSON.stringify(said).length
      if (bytes > MAX_JOB_BYTES)
        throw new Failure('too_large', `The conversation is longer than ${MAX_JOB_BYTES} bytes.`, {
          param: PARAM,
        })
      items.push(...said)
    }
  }
  return { ancestors, items }
}

async function found(
  id: string,
  tenant: string,
  responses: Responses,
): Promise<Looked | undefined> {
  const job = jobOfResponse(id)
  return job && responses.look(job, tenant)
}

function saidIn(turn: Looked, previous: string): ItemResource[] {
  const { status, output } = responseIn(turn)
  if (status === 'queued' || status === 'in_progress')
    throw refused(`Response '${previous}' is not over yet: wait until it is.`)
  if (status === 'failed' || status === 'cancelled')
    throw refused(`Response '${previous}' ${HOW[status]}: nothing can follow it.`)
  return [...turn.asked.input, ...output]
}

const HOW = { failed: 'failed', cancelled: 'was cancelled' } as const
const PARAM = 'previous_response_id'
const refused = (why: string): Failure => new Failure('invalid', why, { param: PARAM })
const notFound = (id: string): Failure =>
  new Failure(
    'previous_response_not_found',
    `Previous response with id '${id.slice(0, 200)}' not found.`,
    { param: PARAM },
  )
