import { describe, vi } from 'vitest'
import { encodeInput } from '../../proto/input.ts'
import { subjects } from '../../proto/subjects.ts'
import { HandWorker, replyOf } from './hand-worker.ts'
import { echoJob, jobsLeft, lastRecord, openDesk, oracle, read, test } from './desk-fixture.ts'

const never = new AbortController().signal

describe('an answer', () => {
  test('is what the one worker said, recorded once, and leaves nothing behind', async ({
    desk,
    w1,
    expect,
  }) => {
    const job = echoJob(desk)
    const answer = read(await desk.ask(job, { signal: never }))
    const { offer, grant } = await w1.take()
    w1.echo(offer, grant.epoch, [0, 20])
    w1.end(offer, grant.epoch, 20)
    expect(await answer).toBe(oracle(20))
    expect(await lastRecord(desk, job.id)).toMatchObject({
      type: 'final',
      outcome: 'done',
      usage: { promptTokens: 1, completionTokens: 20 },
      spans: [{ epoch: 1, from: 0, worker: 'w1' }],
    })
    await vi.waitFor(async () =>
      expect([await jobsLeft(desk), desk.desk.live.size]).toEqual([0, 0]),
    )
  })

  test('goes on at another worker, from exactly the emitted tokens, when the first connection ends', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const dying = await HandWorker.connect(nats.url('w1'))
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const first = await dying.take()
    dying.echo(first.offer, first.grant.epoch, [0, 7])
    await dying.nc.flush()
    await dying[Symbol.asyncDispose]()
    const second = await w2.take()
    expect(second.grant).toMatchObject({ epoch: 2, from: 7, prefix: { length: 7 } })
    w2.echo(second.offer, 2, [7, 20])
    w2.end(second.offer, 2, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.releasedByDisconnect).toBe(1)
  })

  test('is taken from a silent worker, whose late frames are dropped and who is told to stop', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const first = await w1.take()
    w1.echo(first.offer, 1, [0, 5])
    const second = await w2.take()
    w1.say(first.offer, 1, 5, { kind: 'tokens', ids: [1], texts: ['WRONG '] })
    await w1.nc.flush()
    w2.echo(second.offer, 2, [5, 20])
    w2.end(second.offer, 2, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts).toMatchObject({ releasedBySilence: 1, stale: 1 })
    expect(w1.controls.map(({ type }) => type)).toContain('cancel')
  })

  test('is taken from a worker that lost a frame', async ({ desk, w1, w2, expect }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const first = await w1.take()
    w1.echo(first.offer, 1, [0, 3])
    w1.echo(first.offer, 1, [4, 6])
    const second = await w2.take()
    expect(second.grant.from).toBe(3)
    w2.echo(second.offer, 2, [3, 20])
    w2.end(second.offer, 2, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.releasedByHole).toBe(1)
  })

  test('shows frames that were repeated once', async ({ desk, w1, expect }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 10])
    w1.echo(offer, 1, [5, 20])
    w1.end(offer, 1, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.repeats).toBe(5)
  })

  test('lets in no frame of a worker that was never given the job', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const { offer } = await w1.take()
    w2.say(offer, 1, 0, { kind: 'tokens', ids: [1], texts: ['WRONG '] })
    await w2.nc.flush()
    w1.echo(offer, 1, [0, 20])
    w1.end(offer, 1, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.stale).toBe(1)
  })

  test('without the fence is wrong: the control that shows that the tests above can fail', async ({
    nats,
    expect,
  }) => {
    await using open = await openDesk(nats.url('g2'), { fenced: false })
    await using w1 = await HandWorker.connect(nats.url('w1'))
    await using w2 = await HandWorker.connect(nats.url('w2'))
    await open.find('echo-20-0-0')
    const answer = read(await open.ask(echoJob(open), { signal: never }))
    const { offer } = await w1.take()
    w2.say(offer, 1, 0, { kind: 'tokens', ids: [1], texts: ['WRONG '] })
    await w2.nc.flush()
    w1.echo(offer, 1, [0, 20])
    w1.end(offer, 1, 20)
    expect(await answer).toBe(`WRONG ${oracle(20)}`)
  })
})

describe('a worker', () => {
  test('is held back where its reader does not read, and is given credit as it does', async ({
    desk,
    w1,
    expect,
  }) => {
    const job = echoJob(desk)
    const answer = await desk.ask(job, { signal: never })
    const { offer, grant } = await w1.take()
    expect(grant.credit).toBe(64)
    w1.echo(offer, 1, [0, 64])
    await w1.nc.flush()
    // Longer than any silence that is forgiven: a worker without credit is not silent.
    await new Promise((done) => setTimeout(done, 900))
    expect([w1.controls, desk.desk.counts.releasedBySilence]).toEqual([[], 0])
    const text = read(answer)
    await vi.waitFor(() => expect(w1.controls.at(-1)).toMatchObject({ type: 'credit', upTo: 128 }))
    w1.echo(offer, 1, [64, 70])
    w1.end(offer, 1, 70)
    expect(await text).toBe(oracle(70))
  })

  test('that is held back loses the job all the same when its beats stop', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const answer = await desk.ask(echoJob(desk), { signal: never })
    const first = await w1.take()
    w1.echo(first.offer, 1, [0, 64])
    await w1.nc.flush()
    w1.stopBeating()
    const second = await w2.take()
    expect(second.grant.from).toBe(64)
    const text = read(answer)
    w2.echo(second.offer, 2, [64, 66])
    w2.end(second.offer, 2, 66)
    expect(await text).toBe(oracle(66))
  })

  test('that outruns its credit loses the job', async ({ desk, w1, w2, expect }) => {
    const answer = await desk.ask(echoJob(desk), { signal: never })
    const first = await w1.take()
    w1.echo(first.offer, 1, [0, 65])
    const second = await w2.take()
    expect(second.grant.from).toBe(64)
    const text = read(answer)
    w2.echo(second.offer, 2, [64, 66])
    w2.end(second.offer, 2, 66)
    expect(await text).toBe(oracle(66))
    expect(desk.desk.counts.releasedByOverrun).toBe(1)
  })

  test('that asks twice before it spoke gets the same answer; another is told that the job is held', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const stop = new AbortController()
    await desk.ask(echoJob(desk), { signal: stop.signal })
    const { offer, grant } = await w1.take()
    expect(await w1.claim(offer)).toEqual({ ...grant, leftMs: expect.any(Number) })
    expect(await w2.claim(offer)).toEqual({ go: false, why: 'held' })
    stop.abort()
  })

  test('that took an offer and froze does not keep it from the others', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    await w1.pull()
    const { offer, grant } = await w2.take()
    w2.echo(offer, grant.epoch, [0, 20])
    w2.end(offer, grant.epoch, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.reoffered).toBeGreaterThan(0)
  })

  test('cannot end another job by naming its delivery', async ({ desk, w1, w2, expect }) => {
    const finished = read(await desk.ask(echoJob(desk), { signal: never }))
    const mine = await w1.take()
    w1.end(mine.offer, 1, 0)
    await finished
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    const victim = await w2.take()
    const others = replyOf(victim.offer.message)
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(1))
    expect(await w1.claim(mine.offer, others)).toEqual({ go: false, why: 'unknown' })
    expect(await jobsLeft(desk)).toBe(1)
    w2.echo(victim.offer, 1, [0, 20])
    w2.end(victim.offer, 1, 20)
    expect(await answer).toBe(oracle(20))
  })

  test('is not answered when what it names is no delivery at all', async ({ desk, w1, expect }) => {
    const stop = new AbortController()
    await desk.ask(echoJob(desk), { signal: stop.signal })
    const offer = await w1.pull()
    await expect(w1.claim(offer, '$JS.ACK. boom')).rejects.toThrow('timeout')
    await expect(w1.claim(offer, '$JS.ACK.JOBS.chat-echo.1.1.1.1.0.>')).rejects.toThrow('timeout')
    expect(await w1.claim(offer)).toMatchObject({ go: true })
    stop.abort()
  })

  test('cannot draw the traffic of another model to a queue of its own', async ({
    desk,
    w1,
    expect,
  }) => {
    const offering = {
      kind: 'chat' as const,
      queue: 'evil',
      models: ['echo-20-0-0', 'evil'],
      slots: 1,
      free: 1,
      contextTokens: 0,
      stepMs: 0,
      createdAtMs: 0,
    }
    w1.beat([offering])
    await vi.waitFor(() => expect(desk.roster.find('evil', 0)?.queue.name).toBe('evil'))
    expect(desk.roster.find('echo-20-0-0', 0)?.queue.name).toBe('echo')
  })

  test('cannot end a gateway with garbage', async ({ desk, w1, expect }) => {
    const job = echoJob(desk)
    const answer = read(await desk.ask(job, { signal: never }))
    const { offer } = await w1.take()
    for (const body of ['', 'x', '{}', '\u0001\u0000', JSON.stringify(null)]) {
      w1.nc.publish(subjects.out(w1.id, job.id), body)
      w1.nc.publish(subjects.claim('any', w1.id, job.id), body)
      w1.nc.publish(subjects.beat(w1.id), body)
    }
    w1.nc.publish(subjects.out(w1.id, job.id), encodeInput({ epoch: 1, seq: 0, kind: 'end' }))
    w1.echo(offer, 1, [0, 20])
    w1.end(offer, 1, 20)
    expect(await answer).toBe(oracle(20))
    expect(desk.desk.counts.junk).toBeGreaterThan(10)
  })
})
