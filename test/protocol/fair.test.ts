import { describe, vi } from 'vitest'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { Answer } from '../../edge/ports.ts'
import type { ChatJob } from '../../proto/job.ts'
import { JOBS, subjects } from '../../proto/subjects.ts'
import { echoJob, jobsLeft, lastRecord, oracle, read } from './desk-fixture.ts'
import type { HandWorker } from './hand-worker.ts'
import { liveOf, never, resumable, test, usurp } from './two-desks.ts'

const ECHO = { kind: 'chat', name: 'echo' } as const
/** A worker by hand tells of four slots: so many are offered, and one more. */
const WINDOW = 5

const jobOf = (desk: GatewayDesk, change: Partial<ChatJob> = {}): ChatJob => ({
  ...echoJob(desk),
  ...change,
})

const ask = (desk: GatewayDesk, job: ChatJob): Promise<Answer> => desk.ask(job, { signal: never })

/** So many jobs of one project, all there before anything else happens. */
async function flood(
  desk: GatewayDesk,
  count: number,
  change: Partial<ChatJob> = {},
): Promise<{ answers: Answer[]; jobs: ChatJob[] }> {
  const jobs = Array.from({ length: count }, () => jobOf(desk, { tenant: 'proj_a', ...change }))
  const answers = await Promise.all(jobs.map((job) => ask(desk, job)))
  return { jobs, answers }
}

/** Serves jobs one after the other, until the one with this id was, or until so many were. Who was served, in order. */
async function serve(worker: HandWorker, { until, count }: { until?: string; count?: number }) {
  const served: string[] = []
  const enough = (): boolean =>
    served.length === count || (until !== undefined && served.at(-1) === until)
  while (!enough()) {
    const offer = await worker.pull()
    const grant = await worker.claim(offer)
    // It is offered again to whoever comes next.
    if (!grant.go) continue
    served.push(offer.job.id)
    worker.echo(offer, grant.epoch, [grant.from, 20])
    worker.end(offer, grant.epoch, 20)
  }
  return served
}

describe('a project that floods a queue', () => {
  test('has no more than the window ahead of another’s next job', async ({ desk, w1, expect }) => {
    await flood(desk, 200)
    const other = jobOf(desk, { tenant: 'proj_b' })
    const text = read(await ask(desk, other))
    const served = await serve(w1, { until: other.id })
    expect(served.length).toBeLessThanOrEqual(WINDOW + 2)
    expect(await text).toBe(oracle(20))
  })

  test('has its own next job wait behind all (control)', async ({ desk, w1, expect }) => {
    const { answers } = await flood(desk, 30)
    const last = jobOf(desk, { tenant: 'proj_a' })
    await ask(desk, last)
    expect(await serve(w1, { until: last.id })).toHaveLength(31)
    const texts = await Promise.all(answers.map((answer) => read(answer)))
    expect(new Set(texts)).toEqual(new Set([oracle(20)]))
  })

  test('is served in order, and by turns with the others', async ({ desk, w1, expect }) => {
    const a = await flood(desk, 20)
    const b = await flood(desk, 10, { tenant: 'proj_b' })
    const served = await serve(w1, { count: 25 })
    const of = ({ jobs }: typeof a): string[] =>
      served.filter((id) => jobs.some((job) => job.id === id))
    expect(of(b)).toEqual(b.jobs.map(({ id }) => id))
    expect(of(a)).toEqual(a.jobs.slice(0, 15).map(({ id }) => id))
  })

  test('with batches does not keep who talks waiting', async ({ desk, w1, expect }) => {
    await flood(desk, 50, { priority: 'batch' })
    const talking = jobOf(desk, { tenant: 'proj_a', priority: 'interactive' })
    await ask(desk, talking)
    expect((await serve(w1, { until: talking.id })).length).toBeLessThanOrEqual(WINDOW + 2)
  })
})

describe('a job that waits', () => {
  test('is told its place, lies nowhere but in memory, and leaves without a trace there', async ({
    desk,
    w1,
    expect,
  }) => {
    expect(w1.id).toBe('w1')
    await flood(desk, 8)
    const reader = new AbortController()
    const job = jobOf(desk)
    const answer = await desk.ask(job, { signal: reader.signal })
    expect(answer.queued).toEqual({ position: 0, etaMs: undefined })
    const behind = await ask(desk, jobOf(desk, { tenant: 'proj_a' }))
    expect(behind.queued).toEqual({ position: 4, etaMs: undefined })
    expect(await jobsLeft(desk)).toBe(WINDOW)
    reader.abort()
    await expect(read(answer)).rejects.toThrow('cancelled')
    await vi.waitFor(async () =>
      expect(await lastRecord(desk, job.id)).toMatchObject({ type: 'final', outcome: 'cancelled' }),
    )
    const [queue] = (await desk.queues()).data
    expect(queue).toMatchObject({ queue: 'echo', waiting: 4, offered: WINDOW, running: 0 })
  })

  test('ends with its deadline, and is offered to nobody', async ({ desk, w1, expect }) => {
    await flood(desk, 6)
    const late = jobOf(desk, { deadlineAtMs: Date.now() + 200 })
    await expect(read(await ask(desk, late))).rejects.toThrow('deadline')
    expect(await lastRecord(desk, late.id)).toMatchObject({ type: 'final', outcome: 'expired' })
    expect(await serve(w1, { count: 6 })).not.toContain(late.id)
  })

  test('is let in when a worker comes, however many slots there were before', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    await flood(desk, 20)
    expect(w1.id).not.toBe(w2.id)
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(2 * WINDOW - 1))
  })
})

describe('a job that waits and must not be lost', () => {
  test('goes on at another gateway when its own is gone, once', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const jobs = Array.from({ length: 12 }, () => resumable(gone))
    await Promise.all(jobs.map((job) => ask(gone, job)))
    expect(await jobsLeft(gone)).toBe(12)
    await gone[Symbol.asyncDispose]()
    await vi.waitUntil(() => desk.desk.counts.adopted === 12)
    const texts = jobs.map(async ({ id, tenant }) =>
      read((await desk.resume(id, { tenant, after: 0, signal: never })).answer),
    )
    const served = await serve(w1, { count: 12 })
    expect(new Set(served)).toEqual(new Set(jobs.map(({ id }) => id)))
    expect(new Set(await Promise.all(texts))).toEqual(new Set([oracle(20)]))
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  test('runs once where its gateway died just after its turn had come', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    const job = resumable(gone)
    await ask(gone, job)
    await gone.desk.store.put(subjects.held(ECHO), JSON.stringify(job), { timeoutMs: 2_000 })
    expect(await jobsLeft(gone)).toBe(2)
    await gone[Symbol.asyncDispose]()
    await vi.waitUntil(() => desk.desk.live.get(job.id)?.doubtful === false)
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    const text = read(answer)
    expect(await serve(w1, { count: 1 })).toEqual([job.id])
    expect(await text).toBe(oracle(20))
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  test('runs once where both its gateways think that its turn has come', async ({
    desk,
    gone,
    w1,
    expect,
  }) => {
    await flood(gone, 2 * WINDOW)
    const job = resumable(gone)
    await ask(gone, job)
    await usurp(desk, job, liveOf(gone, job.id).heldSeq)
    const { answer } = await desk.resume(job.id, { tenant: job.tenant, after: 0, signal: never })
    const text = read(answer)
    const served = await serve(w1, { count: 2 * WINDOW + 1 })
    expect(served.filter((id) => id === job.id)).toHaveLength(1)
    expect(await text).toBe(oracle(20))
    await vi.waitFor(async () => {
      const { state } = await desk.desk.jsm.streams.info(JOBS)
      expect(state.messages).toBe(0)
    })
  })

  test('is taken away where it was held when it is cancelled', async ({ desk, w1, expect }) => {
    expect(w1.id).toBe('w1')
    await flood(desk, WINDOW)
    const job = resumable(desk)
    await ask(desk, job)
    expect(await jobsLeft(desk)).toBe(WINDOW + 1)
    await desk.cancel(job.id, job.tenant)
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(WINDOW))
  })
})
