import { describe, vi } from 'vitest'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { ResponseObject } from '../../proto/openai/responses.ts'
import { responsesStore } from '../../edge/responses/responses-store.ts'
import { responseIn } from '../../edge/responses/look-at.ts'
import { settingsOf } from '../../edge/responses/response-object.ts'
import type { ChatJob } from '../../proto/job.ts'
import { subjects } from '../../proto/subjects.ts'
import { echoJob, lastRecord, oracle, read } from './desk-fixture.ts'
import { liveOf, never, test } from './two-desks.ts'

/** The job of a stored response, whose request is on disk. */
async function asked(
  desk: GatewayDesk,
  reading: Partial<ChatJob['reading']> = {},
  deadlineMs = 60_000,
): Promise<ChatJob> {
  const job = echoJob(desk, deadlineMs)
  const { id, tenant, admittedAtMs: createdAtMs, deadlineAtMs } = job
  await responsesStore(desk.desk).put({
    id,
    tenant,
    createdAtMs,
    deadlineAtMs,
    ancestors: [],
    input: [],
    settings: settingsOf({ model: job.model, input: 'hi', background: true }),
  })
  return { ...job, reading: { resumable: true, includeUsage: false, stored: true, ...reading } }
}

/** As a client sees it, by any gateway. */
async function seen(desk: GatewayDesk, { id, tenant }: ChatJob): Promise<ResponseObject> {
  const looked = await responsesStore(desk.desk).look(id, tenant)
  if (!looked) throw new Error(`${id} is not there`)
  return responseIn(looked)
}

const textIn = ({ output }: ResponseObject): string =>
  output.map((item) => (item.type === 'message' ? item.content[0]?.text : '')).join('')

/** LEDGER forgets after a week. */
const forget = ({ desk }: GatewayDesk, { id }: ChatJob) =>
  desk.jsm.streams.purge('LEDGER', { filter: subjects.ledger(id) })

describe('a stored response', () => {
  test('is queued, in progress and completed, for every gateway, and after LEDGER forgot it', async ({
    desk,
    gone: other,
    w1,
    expect,
  }) => {
    const job = await asked(desk)
    expect((await seen(other, job)).status).toBe('queued')
    const answer = await desk.ask(job, { signal: never })
    expect((await seen(other, job)).status).toBe('queued')
    const { offer, grant } = await w1.take()
    expect((await seen(other, job)).status).toBe('in_progress')
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    await read(answer)
    const over = await seen(other, job)
    expect([over.status, textIn(over)]).toEqual(['completed', oracle(20)])
    await forget(desk, job)
    expect(await seen(other, job)).toEqual(over)
  })

  test('that failed or was cancelled keeps what there was, and why, after LEDGER forgot it', async ({
    desk,
    w1,
    expect,
  }) => {
    const failing = await asked(desk)
    const answer = await desk.ask(failing, { signal: never })
    const first = await w1.take()
    w1.echo(first.offer, 1, [0, 3])
    const failure = { code: 'context_too_long', message: 'Too long.', param: null } as const
    w1.say(first.offer, 1, 3, { kind: 'failed', failure })
    await read(answer).catch(() => undefined)
    const failed = await seen(desk, failing)
    expect([failed.status, failed.error, textIn(failed)]).toEqual([
      'failed',
      { code: 'invalid_prompt', message: 'Too long.' },
      oracle(3),
    ])
    const cancelling = await asked(desk)
    await desk.ask(cancelling, { signal: never })
    const second = await w1.take()
    w1.echo(second.offer, 1, [0, 5])
    await vi.waitFor(() => expect(liveOf(desk, cancelling.id).next).toBe(5))
    await desk.cancel(cancelling.id, cancelling.tenant)
    const cancelled = await seen(desk, cancelling)
    expect([cancelled.status, textIn(cancelled)]).toEqual(['cancelled', oracle(5)])
    await forget(desk, failing)
    await forget(desk, cancelling)
    expect(await seen(desk, failing)).toEqual(failed)
    expect(await seen(desk, cancelling)).toEqual(cancelled)
  })

  test('whose gateway died before it was in the queue is failed once its deadline is past', async ({
    desk,
    expect,
  }) => {
    const job = await asked(desk, {}, -60_000)
    const { status, error } = await seen(desk, job)
    expect([status, error?.code]).toEqual(['failed', 'server_error'])
  })

  test('may be one that ends with its reader: here at once, elsewhere when nobody came', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const here = await asked(desk, { endsWithReader: true })
    const hangup = new AbortController()
    await desk.ask(here, { signal: hangup.signal })
    await w1.take()
    hangup.abort()
    await vi.waitFor(async () =>
      expect(await lastRecord(desk, here.id)).toMatchObject({ outcome: 'cancelled' }),
    )
    const left = await asked(gone, { endsWithReader: true })
    await gone.ask(left, { signal: never })
    await w1.take()
    await gone[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(desk.desk.counts.adopted).toBe(1))
    expect((await seen(desk, left)).status).toBe('in_progress')
    liveOf(desk, left.id).unattendedSinceMs -= 10_000
    await vi.waitFor(async () => expect((await seen(desk, left)).status).toBe('cancelled'))
  })

  test('that ends with its reader goes on for one that came elsewhere, and ends after that', async ({
    desk,
    gone: other,
    w1,
    expect,
  }) => {
    const job = await asked(desk, { endsWithReader: true })
    const [here, elsewhere] = [new AbortController(), new AbortController()]
    await desk.ask(job, { signal: here.signal })
    await w1.take()
    await other.resume(job.id, { tenant: job.tenant, after: 0, signal: elsewhere.signal })
    here.abort()
    const live = liveOf(desk, job.id)
    await vi.waitFor(() => expect([live.readers, live.remoteReaders]).toEqual([0, 1]))
    live.unattendedSinceMs -= 10_000
    expect((await seen(desk, job)).status).toBe('in_progress')
    elsewhere.abort()
    await vi.waitFor(() => expect(live.remoteReaders).toBe(0))
    live.unattendedSinceMs -= 10_000
    await vi.waitFor(async () => expect((await seen(desk, job)).status).toBe('cancelled'))
  })

  test('that is removed leaves nothing of itself', async ({ desk, w1, expect }) => {
    const job = await asked(desk)
    const answer = await desk.ask(job, { signal: never })
    const { offer } = await w1.take()
    w1.end(offer, 1, 0)
    await read(answer)
    await responsesStore(desk.desk).remove(job.id)
    const { state } = await desk.desk.jsm.streams.info('RESPONSES', {
      subjects_filter: subjects.responseParts(job.id),
    })
    expect(state.subjects).toBeUndefined()
    expect(await responsesStore(desk.desk).look(job.id, job.tenant)).toBeUndefined()
  })
})
