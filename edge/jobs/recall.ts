import type { Paid } from '../../proto/budget.ts'
import { Failure } from '../../proto/failure.ts'
import { decodeFrame, frameHead, type End } from '../../proto/frame.ts'
import { SAYS, type Job } from '../../proto/job.ts'
import type { Final, Usage } from '../../proto/ledger.ts'
import { costOf, type Price } from '../../proto/money.ts'
import { decodeAnswer, encodeAnswer } from '../../proto/stored-answer.ts'
import { CACHE, subjects } from '../../proto/subjects.ts'
import type { Answer } from '../ports.ts'
import { within } from '../within.ts'
import type { Desk } from './desk.ts'
import { headOf, placeOf } from './keep-answer.ts'
import { accountOf, WRITE_TIMEOUT_MS } from './ledger.ts'

/** A cache that is slower than this is of no use: the answer is computed. */
const LOOKUP_MS = 500

/**
 * The answer of an earlier job to the same question of the same project, or nothing. It is recorded as the end of this job
 * before anybody sees it, so it is counted as every other answer is: once, by its last record.
 */
export async function recall(desk: Desk, job: Job): Promise<Answer | undefined> {
  const frames = await find(desk, job)
  const said = frames && endOf(frames)
  if (!frames || !said) {
    desk.counts.notRecalled++
    return undefined
  }
  const usage = usageOf(job, frames, said)
  const { price, purse } = (await desk.treasury?.replay(job, usage)) ?? {}
  const paid = purse?.bill(usage)
  // Who finds that a resumable job is done finds its answer too.
  if (job.reading.resumable) {
    const answer = encodeAnswer(headOf(job), frames)
    await desk.store
      .put(placeOf(job), answer, { timeoutMs: WRITE_TIMEOUT_MS })
      .catch((cause: unknown) => {
        purse?.close([])
        throw unrecorded(cause)
      })
  }
  const final = JSON.stringify(finalOf(desk, job, said, { usage, price, paid }))
  const options = { expectLast: 0, timeoutMs: WRITE_TIMEOUT_MS }
  const seq = await desk.store
    .put(subjects.ledger(job.id), final, options)
    .catch((cause: unknown) => {
      // It may have been recorded: no worker could be given this job any more, and it may have to be paid.
      if (purse) desk.treasury?.strays.set(job.id, { account: accountOf(job), held: purse.leave() })
      throw unrecorded(cause)
    })
  // Somebody took us for dead, and ended it: this answer is nobody's, and nobody pays for it.
  if (seq === 'lost') {
    purse?.close([])
    throw unrecorded(undefined)
  }
  purse?.close(paid ?? [])
  desk.counts.recalled++
  return answerOf(frames)
}

const unrecorded = (cause: unknown): Failure =>
  new Failure('unavailable', 'The broker does not answer. Try again in a moment.', {
    cause,
    retryAfterMs: 1_000,
  })

async function find(
  desk: Desk,
  { tenant, model, caching }: Job,
): Promise<Uint8Array[] | undefined> {
  if (!caching || caching.maxAgeMs === 0) return undefined
  try {
    const query = { last_by_subj: subjects.cached(tenant, caching.hash) }
    const message = await within(LOOKUP_MS, desk.jsm.direct.getMessage(CACHE, query))
    if (!message || Date.now() - message.time.getTime() > caching.maxAgeMs) return undefined
    const { head, frames } = decodeAnswer(message.data)
    // Its subject says both already. An answer of another project must not be shown for any one mistake.
    return head.tenant === tenant && head.model === model ? frames : undefined
  } catch (cause) {
    desk.log.warn({ cause }, 'the response cache could not be read: the answer is computed')
    return undefined
  }
}

function endOf(frames: readonly Uint8Array[]): End | undefined {
  const last = frames.at(-1)
  const frame = last && decodeFrame(last)
  return frame?.kind === 'end' ? frame : undefined
}

const usageOf = (
  { kind }: Job,
  frames: readonly Uint8Array[],
  { promptTokens, cachedTokens }: End,
): Usage => ({
  promptTokens,
  cachedTokens,
  completionTokens: SAYS[kind]
    ? frames.reduce((sum, frame) => sum + (frameHead(frame)?.count ?? 0), 0)
    : 0,
})

const finalOf = (
  desk: Desk,
  job: Job,
  end: End,
  { usage, price, paid }: { usage: Usage; price?: Price | undefined; paid?: Paid[] | undefined },
): Final => ({
  type: 'final',
  gateway: desk.gateway,
  spans: [],
  outcome: 'done',
  finish: end.finish,
  usage,
  ...(price && { cost: String(costOf(price, usage)) }),
  ...(paid && { paid }),
  ...accountOf(job),
  fromCache: true,
  failure: null,
})

async function* answerOf(frames: readonly Uint8Array[]): AsyncGenerator<readonly Uint8Array[]> {
  yield frames
}
