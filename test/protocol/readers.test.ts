import { describe, vi } from 'vitest'
import { reserve } from '../../edge/jobs/once.ts'
import { ClaimAnswer } from '../../proto/claim.ts'
import { newJobId } from '../../proto/ids.ts'
import { subjects } from '../../proto/subjects.ts'
import { echoJob, jobsLeft, lastRecord, oracle, read } from './desk-fixture.ts'
import { replyOf } from './hand-worker.ts'
import { liveOf, never, resumable, test, usurp } from './two-desks.ts'

const failure = { code: 'context_too_long' as const, message: 'of tenant one', param: 'messages' }

describe('two gateways', () => {
  test('that take a job from each other again and again agree on whose it is', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    const { streamSeq } = liveOf(gone, job.id)
    for (const [next, other] of [
      [desk, gone],
      [gone, desk],
      [desk, gone],
    ] as const) {
      other.desk.live.delete(job.id)
      await usurp(next, job, streamSeq)
      expect(await lastRecord(desk, job.id)).toMatchObject({ gateway: next.desk.gateway })
    }
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    expect(await read(answer)).toBe(oracle(20))
  })

  test('answer a claim alike, whichever is asked', async ({ desk, gone, w1, expect }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const offer = await w1.pull()
    const claim = {
      ack: replyOf(offer.message),
      connection: w1.nc.info?.client_id,
      nonce: w1.nonce,
    }
    const [one, two] = await Promise.all(
      [desk, gone].map(async ({ desk: { gateway } }) => {
        const subject = subjects.claim(gateway, w1.id, job.id)
        const answer = await w1.nc.request(subject, JSON.stringify(claim))
        return ClaimAnswer.parse(answer.json())
      }),
    )
    expect(one).toMatchObject({ go: true, epoch: 1 })
    expect({ ...two, leftMs: 0 }).toEqual({ ...one, leftMs: 0 })
  })
})

describe('a reader', () => {
  test('elsewhere is not held up by one here that does not read', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await gone.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    const text = read(answer)
    w1.echo(offer, grant.epoch, [0, 64])
    const further = { type: 'credit', upTo: expect.any(Number) }
    await vi.waitFor(() => expect(w1.controls).toContainEqual(expect.objectContaining(further)))
    await vi.waitUntil(() => liveOf(gone, job.id).credit > 64)
    w1.echo(offer, grant.epoch, [64, 80])
    w1.end(offer, grant.epoch, 80)
    expect(await text).toBe(oracle(80))
  })

  test('is not told why another tenant’s answer failed', async ({ desk, gone, w1, expect }) => {
    const job = resumable(gone)
    const answer = await gone.ask(job, { signal: never })
    const { offer } = await w1.take()
    w1.say(offer, 1, 0, { kind: 'failed', failure })
    await expect(read(answer)).rejects.toMatchObject({ code: failure.code })
    const resume = (tenant: string) => desk.resume(job.id, { tenant, after: 0, signal: never })
    await expect(resume('key_other')).rejects.toMatchObject({ code: 'not_found' })
    await expect(resume(job.tenant)).rejects.toMatchObject({ message: failure.message })
  })

  test('cannot cancel what is over', async ({ desk, gone, w1, expect }) => {
    const job = resumable(gone)
    const text = read(await gone.ask(job, { signal: never }))
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 20])
    w1.end(offer, 1, 20)
    await text
    for (const at of [desk, gone])
      await expect(at.cancel(job.id, job.tenant)).rejects.toMatchObject({ code: 'not_found' })
    expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'done' })
  })
})

describe('a reservation', () => {
  test('whose gateway stood still before it admitted the job is taken over, and that job never runs', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const key = { hash: `h${newJobId()}`, fingerprint: 'f' }
    const late = resumable(gone)
    expect(await reserve(gone.desk, late, key, never)).toMatchObject({ ours: true })
    const asked = desk.askOnce(resumable(desk), key, { signal: never })
    const { answer } = await asked
    const text = read(answer)
    const { offer, grant } = await w1.take()
    // It wakes, and goes on where it was.
    await gone.ask(late, { signal: never })
    const second = await w1.pull()
    expect(await w1.claim(second)).toMatchObject({ go: false })
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    expect(await text).toBe(oracle(20))
    expect(await lastRecord(desk, late.id)).toMatchObject({ outcome: 'cancelled' })
    // It is offered once more, and taken out of the queue then.
    expect(await w1.claim(await w1.pull())).toEqual({ go: false, why: 'done' })
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  test('of a job that failed is free, whatever its failure was', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const key = { hash: `h${newJobId()}`, fingerprint: 'f' }
    const first = await gone.askOnce(resumable(gone), key, { signal: never })
    const { offer } = await w1.take()
    w1.say(offer, 1, 0, { kind: 'failed', failure: { ...failure, code: 'unavailable' } })
    await expect(read(first.answer)).rejects.toMatchObject({ code: 'unavailable' })
    const again = await desk.askOnce(resumable(desk), key, { signal: never })
    expect(again.head.id).not.toBe(first.head.id)
    expect(echoJob(desk).tenant).toBe(again.head.tenant)
  })
})
