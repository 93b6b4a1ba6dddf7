import { setTimeout as sleep } from 'node:timers/promises'
import { describe, vi } from 'vitest'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import type { FailureBody } from '../../proto/failure.ts'
import { encodeFrame } from '../../proto/frame.ts'
import { echoToken } from '../../proto/echo.ts'
import { subjects } from '../../proto/subjects.ts'
import { callerOf } from './caller.ts'
import { jobsLeft, lastRecord, oracle, SEED, test } from './desk-fixture.ts'
import { HandWorker } from './hand-worker.ts'

/*
 * The sixteen faults of FailoverBench (docs/failover-scenarios.md), with a worker where it has a provider. Each test says
 * what the caller of /v1/chat/completions saw, and who was given the job, from which token on. "w1" is its primary, "w2" its
 * fallback: here both serve the same model, and nobody configures which is which.
 */

const TOKENS = 60
const PROMISED = {
  text: oracle(TOKENS),
  models: ['echo-20-0-0'],
  finishes: ['stop'],
  usage: { prompt_tokens: 1, completion_tokens: TOKENS },
  done: true,
  error: undefined,
}

type Taken = Awaited<ReturnType<HandWorker['take']>>

/** Less than AckWait, 5 s: it is the gateway that offers a job again, and not the broker that gives a worker up. */
const OFFERED_MS = 4_000

const take = (worker: HandWorker): Promise<Taken> => worker.take(OFFERED_MS)

const ENGINE_FAILED: FailureBody = { code: 'engine_failed', message: 'GPU is gone.', param: null }

/** The rest of the answer; another than what was granted where `from` says so. */
function answer(worker: HandWorker, { offer, grant }: Taken, from = grant.from): void {
  worker.echo(offer, grant.epoch, [from, TOKENS])
  worker.end(offer, grant.epoch, TOKENS)
}

function refuse(worker: HandWorker, { offer, grant }: Taken, failure = ENGINE_FAILED): void {
  worker.say(offer, grant.epoch, grant.from, { kind: 'failed', failure })
}

/** As a machine that is switched off: what it said before is with the broker. */
async function fall(worker: HandWorker): Promise<void> {
  await worker.nc.flush()
  await worker[Symbol.asyncDispose]()
}

/** Who was given the job, and from which token on. */
async function attempts(desk: GatewayDesk, { offer }: Taken): Promise<string[]> {
  const { spans } = await lastRecord(desk, offer.job.id)
  return spans.map(({ worker, from }) => `${worker} from ${from}`)
}

describe('whoever asks gets the whole answer', () => {
  // No worker has a 429: one that is full asks for nothing, and one that filled up meanwhile drops the offer.
  test('S01 from a worker that was full once', async ({ desk, w1, expect }) => {
    const seen = callerOf(desk).stream()
    await w1.pull(OFFERED_MS)
    const last = await take(w1)
    answer(w1, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(last.offer.message.info.deliveryCount).toBe(2)
    expect(await attempts(desk, last)).toEqual(['w1 from 0'])
  })

  // It is offered again every 300 ms, which is all the hammering there is, and an offer that is dropped costs no attempt.
  test('S02 while a worker is full for ever', async ({ desk, w1, w2, expect }) => {
    const seen = callerOf(desk).stream()
    for (let offers = 0; offers < 3; offers++) await w1.pull(OFFERED_MS)
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(last.offer.message.info.deliveryCount).toBe(4)
    expect(await attempts(desk, last)).toEqual(['w2 from 0'])
  })

  // A 500 is an engine that failed.
  test('S03 from a worker whose engine failed once', async ({ desk, w1, expect }) => {
    const seen = callerOf(desk).stream()
    const first = await take(w1)
    refuse(w1, first)
    const second = await take(w1)
    answer(w1, second)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, second)).toEqual(['w1 from 0', 'w1 from 0'])
  })

  // So is a 503. An engine that fails again and again is tried as often as it asks: see the end of this file.
  test('S04 while the engine of a worker fails each time', async ({ desk, w1, w2, expect }) => {
    for (let asked = 0; asked < 3; asked++) {
      const seen = callerOf(desk).stream()
      const failing = await take(w1)
      refuse(w1, failing)
      const last = await take(w2)
      answer(w2, last)
      expect(await seen).toMatchObject(PROMISED)
      expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 0'])
    }
  })

  test('S05 though the connection of a worker ended before its first token', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const seen = callerOf(desk).stream()
    await take(w1)
    await fall(w1)
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 0'])
  })

  // It beats on: its process lives, and only the job is stuck.
  test('S06 though a worker took the job and never said a word', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const seen = callerOf(desk).stream()
    const silent = await take(w1)
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 0'])
    await vi.waitFor(() =>
      expect(w1.controls).toMatchObject([{ type: 'cancel', job: silent.offer.job.id }]),
    )
  })

  // A worker tells how far it has read the prompt. One that tells nothing is that of S06.
  test('S07 from a worker that reads the prompt for far longer than any silence', async ({
    desk,
    w1,
    expect,
  }) => {
    const seen = callerOf(desk).stream()
    const last = await take(w1)
    for (let done = 0; done < 8; done++) {
      w1.say(last.offer, 1, 0, { kind: 'progress', done, total: 8 })
      await sleep(200)
    }
    answer(w1, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0'])
  })

  test('S08 though its worker was cut off after 40 of 60 tokens', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const seen = callerOf(desk).stream()
    const cut = await take(w1)
    w1.echo(cut.offer, 1, [0, 40])
    await fall(w1)
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 40'])
  })

  test('S09 though its worker stalled after 20 tokens, and the next answer is whole, too', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const seen = callerOf(desk).stream()
    const stalled = await take(w1)
    w1.echo(stalled.offer, 1, [0, 20])
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 20'])
    const after = callerOf(desk).stream()
    const healthy = await take(w1)
    answer(w1, healthy)
    expect(await after).toMatchObject(PROMISED)
  })

  // A chunk is a frame. One that cannot be read is a hole in the answer, so all that its worker says after it is dropped.
  test('S10 though the tenth frame was broken, and the next answer is whole, too', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const seen = callerOf(desk).stream()
    const broken = await take(w1)
    w1.echo(broken.offer, 1, [0, 9])
    const { id, text } = echoToken(SEED, 9)
    const frame = encodeFrame(1, 9, { kind: 'tokens', ids: [id], texts: [text] })
    w1.nc.publish(subjects.out(w1.id, broken.offer.job.id), frame.fill(0xff, -2))
    answer(w1, broken, 10)
    const last = await take(w2)
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 9'])
    const after = callerOf(desk).stream()
    const healthy = await take(w1)
    answer(w1, healthy)
    expect(await after).toMatchObject(PROMISED)
  })

  // The end is a frame of its own. Whoever is next has nothing to compute but that.
  test('S11 though its worker said all of it but the end', async ({ desk, w1, w2, expect }) => {
    const seen = callerOf(desk).stream()
    const endless = await take(w1)
    w1.echo(endless.offer, 1, [0, TOKENS])
    const last = await take(w2)
    expect(last.grant.prefix).toHaveLength(TOKENS)
    w2.end(last.offer, 2, TOKENS)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', `w2 from ${TOKENS}`])
  })

  // A prefix is no message that a model may refuse but token ids: a worker that cannot go on from them fails its engine.
  test('S14 though its worker was cut off after 40 tokens and the next could not go on from them', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const seen = callerOf(desk).stream()
    const cut = await take(w1)
    w1.echo(cut.offer, 1, [0, 40])
    await fall(w1)
    const rejecting = await take(w2)
    refuse(w2, rejecting)
    await using returned = await HandWorker.connect(nats.url('w1'))
    const last = await take(returned)
    answer(returned, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 40', 'w1 from 40'])
  })

  // One with a smaller context, of the same model: what was said fits where it was begun.
  test('S14 though its worker was cut off and what it had said is too long for the next', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const seen = callerOf(desk).stream()
    const cut = await take(w1)
    w1.echo(cut.offer, 1, [0, 40])
    await fall(w1)
    const small = await take(w2)
    const failure = { code: 'context_too_long', message: 'Too long.', param: 'messages' } as const
    refuse(w2, small, failure)
    await using returned = await HandWorker.connect(nats.url('w1'))
    const last = await take(returned)
    answer(returned, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0', 'w2 from 40', 'w1 from 40'])
  })

  // No circuit opens or closes: a worker that is down asks for no jobs, and one that is back asks for them.
  test('S15 while a worker is down and when it is back', async ({ nats, desk, w2, expect }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const caller = callerOf(desk)
    const during = caller.stream()
    const cut = await take(w1)
    w1.echo(cut.offer, 1, [0, 20])
    await fall(w1)
    const rescued = await take(w2)
    answer(w2, rescued)
    expect(await during).toMatchObject(PROMISED)
    for (let asked = 0; asked < 3; asked++) {
      const meanwhile = caller.stream()
      const last = await take(w2)
      answer(w2, last)
      expect(await meanwhile).toMatchObject(PROMISED)
      expect(await attempts(desk, last)).toEqual(['w2 from 0'])
    }
    await using returned = await HandWorker.connect(nats.url('w1'))
    const after = caller.stream()
    const last = await take(returned)
    answer(returned, last)
    expect(await after).toMatchObject(PROMISED)
    expect(await attempts(desk, last)).toEqual(['w1 from 0'])
  })

  // What an attempt made and the caller was shown is counted once, whoever made it; what came too late is not.
  test('S16 and is billed each of its tokens once, by who made it', async ({
    desk,
    w1,
    w2,
    expect,
  }) => {
    const seen = callerOf(desk).stream()
    const failed = await take(w1)
    refuse(w1, failed)
    const stalled = await take(w1)
    w1.echo(stalled.offer, 2, [0, 20])
    const last = await take(w2)
    w1.say(stalled.offer, 2, 20, { kind: 'tokens', ids: [1, 2], texts: ['TOO ', 'LATE '] })
    w1.end(stalled.offer, 2, 22)
    await w1.nc.flush()
    answer(w2, last)
    expect(await seen).toMatchObject(PROMISED)
    expect(await lastRecord(desk, last.offer.job.id)).toMatchObject({
      type: 'final',
      outcome: 'done',
      model: 'echo-20-0-0',
      usage: { promptTokens: 1, completionTokens: TOKENS },
      spans: [
        { epoch: 1, from: 0, worker: 'w1' },
        { epoch: 2, from: 0, worker: 'w1' },
        { epoch: 3, from: 20, worker: 'w2' },
      ],
    })
  })
})

describe('whoever asks is told at once, after one attempt,', () => {
  // A caller names the model it wants: no larger one is asked instead.
  test('S12 that the context is too long', async ({ desk, w1, w2, expect }) => {
    const failure: FailureBody = {
      code: 'context_too_long',
      message: 'The prompt has 5000 tokens; this model takes 4096.',
      param: 'messages',
    }
    const error = {
      message: failure.message,
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    }
    expect(w2.controls).toEqual([])
    const whole = callerOf(desk).whole()
    const first = await take(w1)
    refuse(w1, first, failure)
    expect(await whole).toEqual({ status: 400, body: { error } })
    expect(await attempts(desk, first)).toEqual(['w1 from 0'])
    const seen = callerOf(desk).stream()
    const second = await take(w1)
    refuse(w1, second, failure)
    expect(await seen).toMatchObject({ text: '', finishes: [], done: false, error })
    expect(await attempts(desk, second)).toEqual(['w1 from 0'])
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })

  // No worker of ours judges content: one that did would refuse the request as invalid, with its reason.
  test('S13 that the content is refused, and why', async ({ desk, w1, w2, expect }) => {
    const failure: FailureBody = {
      code: 'invalid',
      message: 'The content was refused: rule 7, weapons.',
      param: 'messages',
    }
    const error = {
      message: failure.message,
      type: 'invalid_request_error',
      param: 'messages',
      code: null,
    }
    expect(w2.controls).toEqual([])
    const whole = callerOf(desk).whole()
    const first = await take(w1)
    refuse(w1, first, failure)
    expect(await whole).toEqual({ status: 400, body: { error } })
    expect(await attempts(desk, first)).toEqual(['w1 from 0'])
    await vi.waitFor(async () => expect(await jobsLeft(desk)).toBe(0))
  })
})

describe('where nobody is left who can, whoever asks gets a clean error', () => {
  test('S02 when its time is over and every worker was full', async ({ desk, w1, expect }) => {
    const whole = callerOf(desk, 1_000).whole()
    const { job } = await w1.pull(OFFERED_MS)
    expect(await whole).toMatchObject({ status: 503, body: { error: { code: 'queue_deadline' } } })
    expect(await lastRecord(desk, job.id)).toMatchObject({ outcome: 'expired', spans: [] })
  })

  test('S04 after two engines failed without a token', async ({ desk, w1, expect }) => {
    const whole = callerOf(desk).whole()
    const first = await take(w1)
    refuse(w1, first)
    const second = await take(w1)
    refuse(w1, second)
    expect(await whole).toMatchObject({ status: 500, body: { error: { code: 'job_poisoned' } } })
    expect(await attempts(desk, second)).toEqual(['w1 from 0', 'w1 from 0'])
  })

  test('S14 after 40 tokens that two could not go on from, and no end', async ({
    nats,
    desk,
    w2,
    expect,
  }) => {
    const w1 = await HandWorker.connect(nats.url('w1'))
    const seen = callerOf(desk).stream()
    const cut = await take(w1)
    w1.echo(cut.offer, 1, [0, 40])
    await fall(w1)
    for (let attempt = 2; attempt <= 3; attempt++) {
      const last = await take(w2)
      refuse(w2, last)
    }
    expect(await seen).toMatchObject({
      text: oracle(40),
      finishes: [],
      done: false,
      error: { code: 'job_poisoned' },
    })
  })
})
