import { setImmediate } from 'node:timers/promises'
import { describe, vi } from 'vitest'
import { HandWorker } from './hand-worker.ts'
import { echoJob, jobsLeft, lastRecord, oracle, read, test } from './desk-fixture.ts'

const never = new AbortController().signal

describe('a reader that leaves', () => {
  test('while its job waits takes the job out of the queue', async ({ desk, w1, expect }) => {
    const stop = new AbortController()
    const job = echoJob(desk)
    await desk.ask(job, { signal: stop.signal })
    expect(await jobsLeft(desk)).toBe(1)
    stop.abort()
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
    expect(await lastRecord(desk, job.id)).toMatchObject({ type: 'final', outcome: 'cancelled' })
    await expect(w1.pull(1_000)).rejects.toThrow('nothing was offered')
  })

  test('while its job runs stops the worker, by a message with the secret of the claim', async ({
    desk,
    w1,
    expect,
  }) => {
    const stop = new AbortController()
    const job = echoJob(desk)
    const answer = read(await desk.ask(job, { signal: stop.signal }))
    answer.catch(() => undefined)
    const { offer, grant } = await w1.take()
    w1.echo(offer, 1, [0, 3])
    stop.abort()
    await vi.waitFor(() =>
      expect(w1.controls.at(-1)).toEqual({
        type: 'cancel',
        job: job.id,
        epoch: 1,
        secret: grant.secret,
      }),
    )
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    await vi.waitFor(async () =>
      expect([await jobsLeft(desk), desk.desk.live.size]).toEqual([0, 0]),
    )
    expect(await w1.claim(offer)).toMatchObject({ go: false })
  })

  test('while a claim is being recorded leaves no claim behind', async ({ desk, w1, expect }) => {
    const stop = new AbortController()
    const job = echoJob(desk)
    await desk.ask(job, { signal: stop.signal })
    const offer = await w1.pull()
    const claimed = w1.claim(offer)
    while (!desk.desk.live.get(job.id)?.granting) await setImmediate()
    stop.abort()
    expect(await claimed).toEqual({ go: false, why: 'cancelled' })
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
    expect(await lastRecord(desk, job.id)).toMatchObject({ type: 'final', outcome: 'cancelled' })
  })
})

describe('a job', () => {
  test('whose deadline passes ends, for its reader and for its worker', async ({
    desk,
    w1,
    expect,
  }) => {
    const job = echoJob(desk, 300)
    const answer = read(await desk.ask(job, { signal: never }))
    answer.catch(() => undefined)
    const { offer } = await w1.take()
    w1.echo(offer, 1, [0, 2])
    await expect(answer).rejects.toMatchObject({ code: 'expired', status: 503 })
    expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'expired' })
    await vi.waitFor(() => expect(w1.controls.at(-1)?.type).toBe('cancel'))
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  test('that kills two workers is buried with its story, and hurts no third', async ({
    nats,
    desk,
    expect,
  }) => {
    await using watcher = await HandWorker.connect(nats.url('w2'))
    await desk.find('echo-20-0-0')
    const job = echoJob(desk)
    const answer = read(await desk.ask(job, { signal: never }))
    answer.catch(() => undefined)
    for (let deaths = 0; deaths < 2; deaths++) {
      const victim = await HandWorker.connect(nats.url('w1'))
      await victim.take()
      await victim[Symbol.asyncDispose]()
    }
    await expect(answer).rejects.toMatchObject({ code: 'poisoned' })
    await expect(watcher.pull(1_000)).rejects.toThrow('nothing was offered')
    const dead = await desk.desk.jsm.streams.getMessage('DEAD', { last_by_subj: 'dead.chat.echo' })
    expect(dead?.json()).toMatchObject({ job: { id: job.id }, deaths: 2 })
    expect(await jobsLeft(desk)).toBe(0)
  })

  test('is not poison when one of two deaths was a cut connection', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const answer = read(await desk.ask(echoJob(desk), { signal: never }))
    w2.stopBeating()
    const first = await HandWorker.connect(nats.url('w1'))
    await first.take()
    await first[Symbol.asyncDispose]()
    const second = await HandWorker.connect(nats.url('w1'))
    await second.take()
    await second[Symbol.asyncDispose]()
    await using returned = await HandWorker.connect(nats.url('w1'), second.nonce)
    const { offer, grant } = await returned.take()
    returned.echo(offer, grant.epoch, [0, 20])
    returned.end(offer, grant.epoch, 20)
    expect(await answer).toBe(oracle(20))
  })

  test('ends as LEDGER says, whatever a worker adds', async ({ desk, w1, expect }) => {
    const job = echoJob(desk)
    const answer = read(await desk.ask(job, { signal: never }))
    answer.catch(() => undefined)
    const { offer } = await w1.take()
    const failure = { code: 'context_too_long' as const, message: 'Too long.', param: 'messages' }
    w1.say(offer, 1, 0, { kind: 'failed', failure })
    w1.end(offer, 1, 0)
    await expect(answer).rejects.toMatchObject({ code: 'context_too_long' })
    expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'failed' })
  })

  test('whose record was stored without our hearing of it is still ours', async ({
    nats,
    desk,
    w1,
    expect,
  }) => {
    const stop = new AbortController()
    const job = echoJob(desk)
    expect(w1.controls).toEqual([])
    // Its queue is there: it is the job's own write whose answer is lost.
    await desk.desk.ensureQueue({ kind: 'chat', name: 'echo' })
    nats.signal('SIGSTOP')
    const refused = desk.ask(job, { signal: stop.signal })
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' })
    nats.signal('SIGCONT')
    await vi.waitFor(
      async () => {
        expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'cancelled' })
        expect(desk.desk.live.size).toBe(0)
      },
      { timeout: 10_000 },
    )
  })
})
