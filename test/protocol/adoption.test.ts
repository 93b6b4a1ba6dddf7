import { describe, vi } from 'vitest'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import { release } from '../../edge/jobs/release.ts'
import type { NatsFixture } from '../../infra/testing/start-nats.ts'
import { newJobId } from '../../proto/ids.ts'
import { echoJob, jobsLeft, lastRecord, openDesk, oracle, read } from './desk-fixture.ts'
import type { HandWorker } from './hand-worker.ts'
import { lie, liveOf, never, resumable, tailOf, test, usurp } from './two-desks.ts'

interface Stage {
  nats: NatsFixture
  gone: GatewayDesk
  desk: GatewayDesk
  w1: HandWorker
  w2: HandWorker
}

/** w1 holds a job and loses it, w2 goes on, w1 lies meanwhile; then their gateway goes. What a third gives to read. */
async function readAfterZombie(
  { nats, gone, desk, w1, w2 }: Stage,
  fenced: boolean,
): Promise<string> {
  // The other desk of this test would adopt as well.
  await desk[Symbol.asyncDispose]()
  const job = resumable(gone)
  const { counts } = gone.desk
  await gone.ask(job, { signal: never })
  const first = await w1.take()
  w1.echo(first.offer, 1, [0, 8])
  await vi.waitUntil(() => counts.tokens === 8)
  release(gone.desk, liveOf(gone, job.id), 'silence')
  const second = await w2.take()
  lie(w1, first.offer, 1, [8, 12])
  await vi.waitUntil(() => counts.stale === 4)
  w2.echo(second.offer, 2, [8, 12])
  await vi.waitUntil(() => counts.tokens === 12)
  await gone[Symbol.asyncDispose]()

  await using third = await openDesk(nats.url('g1'), { fenced, keep: true })
  await vi.waitUntil(() => third.desk.live.get(job.id)?.doubtful === false, { timeout: 5_000 })
  const { answer } = await third.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
  const text = read(answer).catch(() => 'it broke')
  w2.echo(second.offer, 2, [12, 20])
  w2.end(second.offer, 2, 20)
  return await text
}

describe('the jobs of a gateway that is gone', () => {
  test('go on at another with every token, and their worker notices nothing', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 8])
    await vi.waitFor(() => expect(gone.desk.counts.tokens).toBe(8))
    await gone[Symbol.asyncDispose]()

    await vi.waitFor(() => expect(desk.desk.live.get(job.id)?.doubtful).toBe(false))
    await vi.waitFor(() =>
      expect(w1.controls).toContainEqual(
        expect.objectContaining({ type: 'credit', epoch: 1, secret: grant.secret, upTo: 72 }),
      ),
    )
    w1.echo(offer, grant.epoch, [8, 20])
    w1.end(offer, grant.epoch, 20)
    const rest = await desk.resume(job.id, { tenant: job.tenant, after: 5, signal: never })
    expect(await read(rest.answer)).toBe(tailOf(5))
    expect(await lastRecord(desk, job.id)).toMatchObject({
      type: 'final',
      outcome: 'done',
      gateway: desk.desk.gateway,
      usage: { completionTokens: 20 },
      spans: [{ epoch: 1, from: 0, worker: w1.id }],
    })
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
    expect(w1.controls.filter(({ type }) => type === 'cancel')).toEqual([])
  })

  test('are read from FRAMES without what zombies said there', async ({
    nats,
    gone,
    desk,
    w1,
    w2,
    expect,
  }) => {
    expect(await readAfterZombie({ nats, gone, desk, w1, w2 }, true)).toBe(oracle(20))
  })

  test('would be read with what zombies said there, were it not for the spans (control)', async ({
    nats,
    gone,
    desk,
    w1,
    w2,
    expect,
  }) => {
    expect(await readAfterZombie({ nats, gone, desk, w1, w2 }, false)).not.toBe(oracle(20))
  })

  test('run again where FRAMES went with the broker, and no reader sees a token twice', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 8])
    await vi.waitUntil(() => gone.desk.counts.tokens === 8)
    await desk.desk.jsm.streams.purge('FRAMES')
    await gone[Symbol.asyncDispose]()
    await vi.waitUntil(() => desk.desk.live.get(job.id)?.doubtful === false)
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 8, signal: never })
    const rest = read(answer)
    w1.echo(offer, 1, [8, 10])
    const again = await w1.take()
    expect(again.grant).toMatchObject({ epoch: 2, from: 0, prefix: [] })
    w1.echo(again.offer, 2, [0, 20])
    w1.end(again.offer, 2, 20)
    expect(await rest).toBe(tailOf(8))
  })

  test('are granted again to the worker whose grant was lost with it, and to no other', async ({
    desk,
    gone,
    w1,
    w2,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    await gone[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(desk.desk.live.get(job.id)?.doubtful).toBe(false))
    expect(await w2.claim(offer)).toEqual({ go: false, why: 'held' })
    expect(await w1.claim(offer)).toEqual({ ...grant, leftMs: expect.any(Number) })
  })

  test('that nobody had claimed are offered by the next', async ({ desk, gone, w1, expect }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    await gone[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(desk.desk.counts.adopted).toBe(1))
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    expect(await read(answer)).toBe(oracle(20))
  })

  test('end with its reader where that cannot come back', async ({ desk, gone, w1, expect }) => {
    const job = echoJob(gone)
    await gone.ask(job, { signal: never })
    await w1.take()
    await gone[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(desk.desk.counts.adopted).toBe(1))
    liveOf(desk, job.id).unattendedSinceMs -= 10_000
    await vi.waitFor(async () =>
      expect(await lastRecord(desk, job.id)).toMatchObject({ type: 'final', outcome: 'cancelled' }),
    )
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })
})

describe('a gateway that only stood still', () => {
  test('loses what another adopted, ends none of it, and its readers read on', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = echoJob(gone)
    const seen = read(await gone.ask(job, { signal: never }))
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 8])
    await vi.waitFor(() => expect(gone.desk.counts.tokens).toBe(8))
    await usurp(desk, job, liveOf(gone, job.id).streamSeq)
    w1.echo(offer, grant.epoch, [8, 20])
    w1.end(offer, grant.epoch, 20)
    expect(await seen).toBe(oracle(20))
    expect(gone.desk.counts.deposed).toBe(1)
    expect(gone.desk.counts.done).toBe(0)
    expect(await lastRecord(desk, job.id)).toMatchObject({
      type: 'final',
      gateway: desk.desk.gateway,
    })
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  test('takes in nothing that was said meanwhile before it knows whose the job is', async ({
    desk,
    gone,
    w1,
    w2,
    expect,
  }) => {
    const job = echoJob(gone)
    const seen = read(await gone.ask(job, { signal: never }))
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 8])
    await vi.waitUntil(() => gone.desk.counts.tokens === 8)
    await usurp(desk, job, liveOf(gone, job.id).streamSeq)
    release(desk.desk, liveOf(desk, job.id), 'silence')
    const again = await w2.pull()
    again.job.gateway = desk.desk.gateway
    expect(await w2.claim(again)).toMatchObject({ go: true, epoch: 2, from: 8 })
    // As after SIGCONT: what waited in the socket is read before any timer runs.
    gone.desk.pulse.ticked(Number.NEGATIVE_INFINITY)
    lie(w1, offer, 1, [8, 9])
    await vi.waitUntil(() => gone.desk.counts.deposed === 1)
    w2.echo(again, 2, [8, 20])
    w2.end(again, 2, 20)
    expect(await seen).toBe(oracle(20))
    expect(w2.controls.filter(({ type }) => type === 'cancel')).toEqual([])
  })

  test('cannot cancel what another adopted', async ({ desk, gone, w1, expect }) => {
    const job = echoJob(gone)
    const stop = new AbortController()
    await gone.ask(job, { signal: stop.signal })
    const { offer, grant } = await w1.take()
    const streamSeq = liveOf(gone, job.id).streamSeq
    await usurp(desk, job, streamSeq)
    const answer = desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    stop.abort()
    await vi.waitFor(() => expect(gone.desk.counts.deposed).toBe(1))
    expect(await jobsLeft(desk)).toBe(1)
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    expect(await read((await answer).answer)).toBe(oracle(20))
  })
})

describe('an answer', () => {
  test('is read at a gateway that does not own it, and cancelled there', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 8])
    await vi.waitFor(() => expect(gone.desk.counts.tokens).toBe(8))
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 3, signal: never })
    const batches = answer[Symbol.asyncIterator]()
    expect((await batches.next()).done).toBe(false)
    await desk.cancel(job.id, job.tenant)
    await vi.waitFor(() => expect(gone.desk.counts.cancelled).toBe(1))
    await expect(async () => {
      while (!(await batches.next()).done);
    }).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('goes to no other tenant, and to nobody from a position it has not reached', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    await w1.take()
    for (const at of [desk, gone]) {
      const ask = (tenant: string, after: number) =>
        at.resume(job.id, { tenant, after, signal: never })
      await expect(ask('key_other', 0)).rejects.toMatchObject({ code: 'not_found' })
      await expect(ask(job.tenant, 9)).rejects.toMatchObject({ code: 'invalid', param: 'after' })
      await expect(at.cancel(job.id, 'key_other')).rejects.toMatchObject({ code: 'not_found' })
      await expect(
        at.resume(newJobId(), { tenant: job.tenant, after: 0, signal: never }),
      ).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  test('is made once for one key, however often and wherever it is asked for', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const key = { hash: `h${newJobId()}`, fingerprint: 'f' }
    const asked = [gone, desk, gone, desk, gone, desk, gone, desk, gone, desk].map((at) =>
      at.askOnce(resumable(at), key, { signal: never }),
    )
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 20])
    const found = await Promise.all(asked)
    const texts = found.map(({ answer }) => read(answer))
    w1.end(offer, grant.epoch, 20)
    expect(new Set(await Promise.all(texts))).toEqual(new Set([oracle(20)]))
    expect(new Set(found.map(({ head }) => head.id)).size).toBe(1)
    expect(desk.desk.counts.admitted + gone.desk.counts.admitted).toBe(1)
    const again = await desk.askOnce(resumable(desk), key, { signal: never })
    expect(again.stored).toBe(true)
    expect(await read(again.answer)).toBe(oracle(20))
    await expect(
      desk.askOnce(resumable(desk), { ...key, fingerprint: 'g' }, { signal: never }),
    ).rejects.toMatchObject({ code: 'key_reused' })
  })
})
