import { Failure } from '../../proto/failure.ts'
import { JobId } from '../../proto/ids.ts'

/** Where a reader of an answer is: it has so many of its tokens (or blocks), its finish counted as one, its usage as another. */
export interface Position {
  job: JobId
  after: number
}

const LAST_EVENT_ID = 'Last-Event-ID'
/** Events after the last token that have a position of their own: the finish and the usage. */
export const ENDINGS = 2
/** More than any answer has. */
export const MAX_POSITION = 2 ** 31

export const idLine = (job: JobId, after: number): string => `id: ${job}:${after}\n`

/** What a client that lost its stream sends to have the rest: the id of the last event it saw. */
export function positionIn(header: string | undefined): Position | undefined {
  if (header === undefined) return undefined
  const [, id, after] = /^(job_[0-9a-f-]{36}):(\d{1,10})$/.exec(header.trim()) ?? []
  const job = JobId.safeParse(id)
  if (!job.success || Number(after) > MAX_POSITION)
    throw new Failure(
      'invalid',
      `${LAST_EVENT_ID} must be the id of an event of the stream, "job_...:<n>", as it was sent.`,
      { param: LAST_EVENT_ID },
    )
  return { job: job.data, after: Number(after) }
}

export const notOfThis = (): Failure =>
  new Failure('invalid', `${LAST_EVENT_ID} is of another stream than the one in the path.`, {
    param: LAST_EVENT_ID,
  })

export const ahead = (after: number, next: number): Failure =>
  new Failure('invalid', `Position ${after} is ahead of the answer, which is at ${next}.`, {
    param: 'after',
  })
