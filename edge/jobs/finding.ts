import { Failure } from '../../proto/failure.ts'
import type { JobId } from '../../proto/ids.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { Source } from './reading.ts'

export interface Ask {
  tenant: string
  /** Tokens (or blocks) that the reader has. */
  after: number
  signal: AbortSignal
  /** Somebody is admitting it at this moment: until then it may not be there yet. By our monotonic clock. */
  awaitedUntilMs?: number
}

export interface Found {
  head: AnswerHead
  source: Source
  /** It was finished before it was asked for. */
  stored: boolean
}

export const unknown = (id: JobId): Failure =>
  new Failure(
    'not_found',
    `There is no answer ${id} to read: it never was, or is older than we keep one.`,
  )

export const noLongerKept = (id: JobId): Failure =>
  new Failure(
    'not_found',
    `The answer ${id} is finished, and was not kept: it could not be resumed, was too long to keep, or had to make room.`,
  )

export const notResumable = (): Failure =>
  new Failure(
    'invalid',
    'This answer cannot be resumed. Send the header "x-stream-resume: 1" with the request that begins it.',
  )
