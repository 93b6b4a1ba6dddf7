import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead } from '../../proto/frame.ts'
import type { LedgerRecord } from '../../proto/ledger.ts'
import { decodeAnswer } from '../../proto/stored-answer.ts'
import { StoredResponse } from '../../proto/stored-response.ts'
import { RESPONSES, subjects } from '../../proto/subjects.ts'
import type { Desk } from '../jobs/desk.ts'
import { lastRecord, WRITE_TIMEOUT_MS } from '../jobs/ledger.ts'
import type { Fate, Looked, Responses } from '../ports.ts'
import { within } from '../within.ts'

const BROKER_MS = 2_000

/** Stored responses in the stream RESPONSES: what was asked of each, and, once it is over, its answer. */
export const responsesStore = (desk: Desk): Responses => ({
  async put(asked) {
    const options = { msgId: `${asked.id}.asked`, timeoutMs: WRITE_TIMEOUT_MS, tries: 2 }
    await reached(desk.store.put(subjects.responseAsked(asked.id), JSON.stringify(asked), options))
  },

  async look(id, tenant): Promise<Looked | undefined> {
    const [message, answer, last] = await reached(
      within(
        BROKER_MS,
        Promise.all([
          lastOf(desk, subjects.responseAsked(id)),
          lastOf(desk, subjects.responseAnswer(id)),
          lastRecord(desk, id),
        ]),
      ),
    )
    if (!message) return undefined
    const asked = StoredResponse.parse(message.json())
    if (asked.tenant !== tenant) return undefined
    return { asked, fate: fateOf(asked, answer?.data, last?.record) }
  },

  async remove(id) {
    const filter = subjects.responseParts(id)
    await reached(within(BROKER_MS, desk.jsm.streams.purge(RESPONSES, { filter })))
  },
})

/** LEDGER has the last word for as long as it remembers the job; after that, what was kept tells how it ended. */
function fateOf(
  asked: StoredResponse,
  kept: Uint8Array | undefined,
  last: LedgerRecord | undefined,
): Fate {
  if (last && last.type !== 'final') return { state: 'in_progress' }
  const answer = kept && decodeAnswer(kept)
  const ending = answer?.frames.at(-1)
  const frame = ending && frameHead(ending) && decodeFrame(ending)
  const told = frame?.kind === 'failed' ? Failure.of(frame.failure) : undefined
  const ended = frame?.kind === 'end'
  const over = (failure?: Failure): Fate => ({
    state: 'over',
    frames: answer?.frames.filter((one) => one !== ending || (ended && !failure)) ?? [],
    reading: answer?.head.reading ?? { resumable: true, includeUsage: false },
    failure: failure?.toJSON() ?? null,
  })
  switch (last?.outcome) {
    case 'done':
      return over(ended ? undefined : new Failure('internal', 'The answer was too long to keep.'))
    case 'cancelled':
      return over(new Failure('cancelled', 'The response was cancelled.'))
    case 'failed':
    case 'expired':
      return over(last.failure ? Failure.of(last.failure) : (told ?? expired()))
    case undefined:
      break
  }
  if (answer) return over(told)
  // Nobody ever claimed it. Past its deadline nobody will: its gateway died before it was in the queue.
  return Date.now() > asked.deadlineAtMs + GRACE_MS ? over(expired()) : { state: 'queued' }
}

const GRACE_MS = 5_000

const expired = (): Failure => new Failure('expired', 'The deadline of the request passed.')

const lastOf = (desk: Desk, subject: string) =>
  desk.jsm.direct.getMessage(RESPONSES, { last_by_subj: subject })

async function reached<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    throw new Failure('unavailable', 'The broker does not answer. Try again in a moment.', {
      cause,
      retryAfterMs: 1_000,
    })
  }
}
