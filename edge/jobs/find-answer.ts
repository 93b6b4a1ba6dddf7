import { Failure } from '../../proto/failure.ts'
import { frameHead } from '../../proto/frame.ts'
import type { JobId } from '../../proto/ids.ts'
import { decodeAnswer } from '../../proto/stored-answer.ts'
import { ANSWERS, RESPONSES, subjects } from '../../proto/subjects.ts'
import { monotonicMs, sleep } from '../clock.ts'
import { within } from '../within.ts'
import { ahead, ENDINGS } from '../stream/position.ts'
import { sourceOf } from './answer.ts'
import type { Desk } from './desk.ts'
import { noLongerKept, notResumable, unknown, type Ask, type Found } from './finding.ts'
import { follow } from './follow.ts'
import { headOf } from './keep-answer.ts'
import { lastRecord } from './ledger.ts'
import type { LiveJob } from './live-job.ts'
import { restOf, type Source } from './reading.ts'
import type { Over } from './tape.ts'

/** Longer than another gateway takes to adopt what the owner left. */
const PATIENCE_MS = 8_000
const AGAIN_MS = 20
/** A broker that is away says nothing: whoever asks is told, and may ask again. */
const BROKER_MS = 1_000
/** What nobody knows of is asked for this long: a gateway may be slow to say that it has it. */
const UNKNOWN_MS = 700

/**
 * The answer of a job, wherever it is: here, kept in ANSWERS, or at the gateway that owns it; and where that gateway is
 * gone, as soon as another has adopted the job. Throws `not_found` for what is unknown, too old, or another tenant's.
 */
export async function findAnswer(desk: Desk, id: JobId, ask: Ask): Promise<Found> {
  try {
    return await seek(desk, id, ask)
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown
    throw new Failure('unavailable', 'The broker does not answer. Try again in a moment.', {
      cause: thrown,
      retryAfterMs: 1_000,
    })
  }
}

async function seek(desk: Desk, id: JobId, ask: Ask): Promise<Found> {
  const startedMs = monotonicMs()
  for (;;) {
    const live = desk.live.get(id)
    if (live && !live.doubtful) return ours(desk, live, ask)
    const found = live ? undefined : ((await kept(desk, id, ask)) ?? (await follow(desk, id, ask)))
    if (found) return found
    const expected = live !== undefined || (await isExpected(desk, id, ask))
    const soughtMs = monotonicMs() - startedMs
    if ((!expected && soughtMs > UNKNOWN_MS) || ask.signal.aborted) throw unknown(id)
    if (soughtMs > PATIENCE_MS)
      throw new Failure('unavailable', 'The answer is on its way to another gateway. Try again.', {
        retryAfterMs: 1_000,
      })
    await sleep(AGAIN_MS)
  }
}

function ours(desk: Desk, live: LiveJob, { tenant, after }: Ask): Found {
  if (live.job.tenant !== tenant) throw unknown(live.job.id)
  if (!live.resumable) throw notResumable()
  if (!live.adopted && after > live.next) throw ahead(after, live.next)
  return { head: headOf(live.job), source: sourceOf(desk, live, after), stored: false }
}

async function kept(desk: Desk, id: JobId, { tenant, after }: Ask): Promise<Found | undefined> {
  const asked = Promise.all([
    desk.jsm.direct.getMessage(ANSWERS, { last_by_subj: subjects.answer(id) }),
    desk.jsm.direct.getMessage(RESPONSES, { last_by_subj: subjects.responseAnswer(id) }),
    lastRecord(desk, id),
  ])
  const [answer, response, last] = await within(BROKER_MS, asked)
  const message = answer ?? response
  // It is written before the end is recorded, and nobody is shown an end that is not recorded.
  if (!message || last?.record.type !== 'final' || last.record.outcome !== 'done') return undefined
  const { head, frames } = decodeAnswer(message.data)
  if (head.tenant !== tenant) throw unknown(id)
  const total = frames.reduce((sum, frame) => sum + (frameHead(frame)?.count ?? 0), 0)
  if (after > total + ENDINGS) throw ahead(after, total + ENDINGS)
  let rest: readonly Uint8Array[] | undefined = restOf(frames, after)
  const source: Source = {
    take(): Promise<readonly Uint8Array[] | Over> {
      const took = rest ?? {}
      rest = undefined
      return Promise.resolve(took)
    },
    leave: () => undefined,
  }
  return { head, source, stored: true }
}

/** Whether it may yet turn up: its owner died and nobody adopted it so far. Throws what LEDGER says of its end. */
async function isExpected(
  desk: Desk,
  id: JobId,
  { tenant, awaitedUntilMs = 0 }: Ask,
): Promise<boolean> {
  const record = (await lastRecord(desk, id))?.record
  if (!record) return monotonicMs() < awaitedUntilMs || desk.gatewayLeftLately()
  if (record.type !== 'final') return true
  if (record.tenant !== tenant) throw unknown(id)
  if (record.outcome === 'done') throw noLongerKept(id)
  if (record.failure) throw Failure.of(record.failure)
  if (record.outcome === 'cancelled')
    throw new Failure('not_found', `The answer ${id} was cancelled; there is no rest of it.`)
  throw unknown(id)
}
