import { describe, vi } from 'vitest'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { Answer } from '../../edge/ports.ts'
import { newJobId } from '../../proto/ids.ts'
import type { Caching, ChatJob } from '../../proto/job.ts'
import { echoJob, jobsLeft, lastRecord, oracle, read, test } from './desk-fixture.ts'
import type { HandWorker } from './hand-worker.ts'
import { never } from './two-desks.ts'

const MINUTE_MS = 60_000

/** A question that no other test asks. */
const question = (): Caching => ({
  hash: Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(''),
  maxAgeMs: MINUTE_MS,
  maxBytes: 100_000,
})

const asking = (desk: GatewayDesk, caching: Caching): ChatJob => ({ ...echoJob(desk), caching })

/** One that was asked, computed by `worker`, and put into the cache. */
async function computed(
  desk: GatewayDesk,
  worker: HandWorker,
  job: ChatJob,
): Promise<Uint8Array[]> {
  const { remembered } = desk.desk.counts
  const answer = framesOf(await desk.ask(job, { signal: never }))
  const { offer } = await worker.take()
  worker.echo(offer, 1, [0, 20])
  worker.end(offer, 1, 20)
  const frames = await answer
  await vi.waitUntil(() => desk.desk.counts.remembered > remembered)
  return frames
}

async function framesOf(answer: Answer): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const frames of answer) all.push(...frames.map((frame) => frame.slice()))
  return all
}

describe('an answer of a project that has a cache', () => {
  test('is given again byte for byte, and recorded as the end of the job that asked', async ({
    desk,
    w1,
    expect,
  }) => {
    const caching = question()
    const first = await computed(desk, w1, asking(desk, caching))
    const job = asking(desk, caching)
    const recalled = await desk.recall(job)
    expect(recalled).toBeDefined()
    expect(await framesOf(recalled as Answer)).toEqual(first)
    expect(await lastRecord(desk, job.id)).toMatchObject({
      type: 'final',
      outcome: 'done',
      fromCache: true,
      finish: 'stop',
      spans: [],
      tenant: job.tenant,
      usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 20 },
    })
    expect(await jobsLeft(desk)).toBe(0)
  })

  test('is not given to another project, nor to another question', async ({ desk, w1, expect }) => {
    const caching = question()
    await computed(desk, w1, asking(desk, caching))
    expect(await desk.recall({ ...asking(desk, caching), tenant: 'proj_other' })).toBeUndefined()
    expect(await desk.recall(asking(desk, question()))).toBeUndefined()
    expect(await desk.recall(asking(desk, caching))).toBeDefined()
  })

  test('is not given where the bytes are of another project than their place', async ({
    desk,
    w1,
    expect,
  }) => {
    const caching = question()
    await computed(desk, w1, asking(desk, caching))
    const { jsm, store } = desk.desk
    const last = { last_by_subj: `cache.proj_test.${caching.hash}` }
    const stored = await jsm.direct.getMessage('CACHE', last)
    const misplaced = `cache.proj_other.${caching.hash}`
    await store.put(misplaced, stored?.data as Uint8Array, { timeoutMs: 1_000 })
    expect(await desk.recall({ ...asking(desk, caching), tenant: 'proj_other' })).toBeUndefined()
  })

  test('is not given when it is too old, or a new one is wanted', async ({ desk, w1, expect }) => {
    const caching = question()
    await computed(desk, w1, asking(desk, caching))
    await new Promise((done) => setTimeout(done, 60))
    expect(await desk.recall(asking(desk, { ...caching, maxAgeMs: 50 }))).toBeUndefined()
    expect(await desk.recall(asking(desk, { ...caching, maxAgeMs: 0 }))).toBeUndefined()
    expect(await desk.recall(asking(desk, caching))).toBeDefined()
  })

  test('is not kept where it is cancelled, or longer than the project keeps', async ({
    desk,
    w1,
    expect,
  }) => {
    const [cut, long] = [question(), { ...question(), maxBytes: 100 }]
    const stop = new AbortController()
    const answer = read(await desk.ask(asking(desk, cut), { signal: stop.signal }))
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 5])
    await w1.nc.flush()
    stop.abort()
    await answer.catch(() => undefined)
    const whole = read(await desk.ask(asking(desk, long), { signal: never }))
    const second = await w1.take()
    w1.echo(second.offer, 1, [0, 20])
    w1.end(second.offer, 1, 20)
    expect(await whole).toBe(oracle(20))
    await desk.desk.nc.flush()
    expect(desk.desk.counts.remembered).toBe(0)
    expect(await desk.recall(asking(desk, cut))).toBeUndefined()
    expect(await desk.recall(asking(desk, long))).toBeUndefined()
  })

  test('that is given again may be resumed, if its reader wanted that', async ({
    desk,
    w1,
    expect,
  }) => {
    const caching = question()
    await computed(desk, w1, asking(desk, caching))
    const reading = { resumable: true, includeUsage: false }
    const job = { ...asking(desk, caching), id: newJobId(), reading }
    expect(await desk.recall(job)).toBeDefined()
    const resumed = await desk.resume(job.id, { tenant: job.tenant, after: 7, signal: never })
    expect(await read(resumed.answer)).toBe(oracle(20).slice(oracle(7).length))
  })
})
