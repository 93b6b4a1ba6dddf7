import { test as base } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import { startStack } from '../../infra/testing/start-stack.ts'
import { startWorker } from '../../infra/testing/start-worker.ts'
import type { Grant } from '../../proto/claim.ts'
import { encodeFrame } from '../../proto/frame.ts'
import { subjects } from '../../proto/subjects.ts'
import { HandWorker, type Offer } from '../protocol/hand-worker.ts'
import { Observer, until } from './observer.ts'
import { start, startMany, wrongAmong } from './running.ts'
import { clientOf, countOf, oracle } from './stack.ts'

const TOKENS = 20
const MODEL = `echo-${TOKENS}-0-0`

/** A gateway as it ships, and no worker: each test brings its own, played by hand or real. */
const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ workers: ['w1', 'w2', 'honest'] })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('stack', { scope: 'file' }, async ({ nats }, { onCleanup }) => {
    const stack = await startStack({ workers: 0, env: { NATS_URL: nats.url('g1') } })
    onCleanup(() => stack[Symbol.asyncDispose]())
    return stack
  })
  .extend('observer', { scope: 'file' }, async ({ nats }, { onCleanup }) => {
    const observer = await Observer.at(nats.operatorUrl)
    onCleanup(() => observer[Symbol.asyncDispose]())
    return observer
  })
  .extend('openai', async ({ stack }) => clientOf(stack))

/** What no answer may hold. */
const LIE = { kind: 'tokens', ids: [1], texts: ['LIE '] } as const

interface Hand {
  rogue: HandWorker
  offer: Offer
  grant: Grant
}

/** What a worker may do wrong with a job that it holds. Each begins well. */
const misdeeds: Record<string, (hand: Hand) => void> = {
  garbage: ({ rogue, offer }) => {
    const noise = Buffer.alloc(4_096, 0x01)
    rogue.nc.publish(subjects.out(rogue.id, offer.job.id), noise)
  },
  nothing: ({ rogue, offer }) => rogue.nc.publish(subjects.out(rogue.id, offer.job.id)),
  ahead: ({ rogue, offer, grant }) => rogue.say(offer, grant.epoch, 7, LIE),
  repeated: ({ rogue, offer, grant }) => {
    rogue.say(offer, grant.epoch, 0, LIE)
    rogue.say(offer, grant.epoch, 4, LIE)
  },
  'epoch before': ({ rogue, offer, grant }) => rogue.say(offer, grant.epoch - 1, 5, LIE),
  'epoch to come': ({ rogue, offer, grant }) => rogue.say(offer, grant.epoch + 1, 5, LIE),
  'more than it may': ({ rogue, offer, grant }) => {
    const many = grant.credit + 1
    const ids = Array.from({ length: many }, () => 1)
    rogue.say(offer, grant.epoch, 5, { kind: 'tokens', ids, texts: ids.map(() => 'LIE ') })
  },
  'two ends': ({ rogue, offer, grant }) => {
    rogue.echo(offer, grant.epoch, [5, TOKENS])
    rogue.end(offer, grant.epoch, TOKENS)
    rogue.end(offer, grant.epoch, TOKENS)
    rogue.say(offer, grant.epoch, TOKENS, LIE)
  },
}

test.beforeAll(({ stack }) => void stack)

test('a worker that says what it must not changes no answer, and its jobs go to another', async ({
  nats,
  stack,
  observer,
  openai,
  expect,
}) => {
  await using rogue = await HandWorker.connect(nats.url('w1'))
  await using stranger = await HandWorker.connect(nats.url('w2'))
  const kinds = Object.values(misdeeds)
  await observer.up(['w1', 'w2'])
  const before = await counts(stack)
  // It is offered them all before it claims any: what it loses then goes to somebody else.
  const offers = kinds.map(() => rogue.pull(10_000))
  const running = await startMany(openai, { count: kinds.length, from: 200, model: MODEL })
  const pulled = await Promise.all(offers)
  for (const [i, misdeed] of kinds.entries()) {
    const offer = pulled[i] as Offer
    const grant = await grantOf(rogue, offer)
    const hand = { rogue, offer, grant }
    rogue.echo(offer, grant.epoch, [0, 5])
    misdeed(hand)
    // Whoever holds nothing is not heard either, whatever epoch and position it names.
    stranger.say(offer, grant.epoch, 5, LIE)
  }
  await rogue.nc.flush()
  await using honest = await startWorker({ natsUrl: nats.url('honest') })
  expect(await wrongAmong(running, TOKENS)).toEqual([])

  const after = await counts(stack)
  expect(after.stale - before.stale).toBeGreaterThanOrEqual(kinds.length)
  expect(after.repeats - before.repeats).toBeGreaterThanOrEqual(2)
  expect(after.released_by_hole - before.released_by_hole).toBe(1)
  expect(after.released_by_overrun - before.released_by_overrun).toBe(1)
  expect(after.poisoned).toBe(before.poisoned)
  const finals = await Promise.all(running.map(({ job }) => observer.final(job)))
  expect(finals.map(({ outcome, usage }) => [outcome, usage.completionTokens])).toEqual(
    kinds.map(() => ['done', TOKENS]),
  )
  // Only the one whose answer was whole before its second end stayed with the rogue.
  const stayed = finals.filter(({ spans }) => spans.length === 1)
  expect(stayed).toHaveLength(1)
  for (const { job } of running)
    expect((await observer.history(job)).filter((type) => type === 'final')).toHaveLength(1)
  await rogue[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
  await observer.idle([honest.id])
})

test('a worker that dies between its last token and its end leaves another only the end to say', async ({
  nats,
  observer,
  openai,
  expect,
}) => {
  await using dying = await HandWorker.connect(nats.url('w1'))
  const { job, seen, whole } = await start(openai, { model: MODEL, seed: 220 })
  const { offer, grant } = await dying.take()
  dying.echo(offer, grant.epoch, [0, TOKENS])
  await seen(TOKENS)
  await dying[Symbol.asyncDispose]()
  await using honest = await startWorker({ natsUrl: nats.url('honest') })
  expect(await whole).toBe(oracle(220, TOKENS))
  expect(await observer.final(job)).toMatchObject({
    outcome: 'done',
    usage: { completionTokens: TOKENS },
    spans: [{ from: 0 }, { from: TOKENS, worker: honest.id }],
  })
  await observer.idle([honest.id])
})

/** Frames of the holder, at the right place, that no reader can be shown. */
const spoilt: Record<string, (frame: Uint8Array) => Uint8Array> = {
  'cut short': (frame) => frame.subarray(0, -2),
  'not UTF-8': (frame) => frame.with(frame.length - 2, 0xff),
}

test.for(Object.keys(spoilt))(
  'a frame whose text is %s is as good as a hole',
  async (how, { nats, observer, openai, expect }) => {
    await using rogue = await HandWorker.connect(nats.url('w1'))
    const { whole } = await start(openai, { model: MODEL, seed: 230 })
    const { offer, grant } = await rogue.take()
    rogue.echo(offer, grant.epoch, [0, 5])
    const frame = spoilt[how]?.(encodeFrame(grant.epoch, 5, LIE))
    rogue.nc.publish(subjects.out(rogue.id, offer.job.id), frame)
    await rogue.nc.flush()
    await using honest = await startWorker({ natsUrl: nats.url('honest') })
    await observer.up([honest.id])
    expect(await whole).toBe(oracle(230, TOKENS))
  },
)

test('two processes under one worker’s name: every answer is whole', async ({
  nats,
  observer,
  openai,
  expect,
}) => {
  const natsUrl = nats.url('honest')
  await using first = await startWorker({ natsUrl })
  await using second = await startWorker({ natsUrl })
  const nonces = new Set<string | undefined>()
  await until('beats of both', () => nonces.add(observer.beatOf(first.id)?.nonce).size > 1)
  expect(second.pid).not.toBe(first.pid)
  const running = await startMany(openai, { count: 8, from: 240, model: 'echo-100-10-0' })
  expect(await wrongAmong(running, 100)).toEqual([])
  for (const { job } of running) {
    expect(await observer.final(job)).toMatchObject({ usage: { completionTokens: 100 } })
    expect((await observer.history(job)).filter((type) => type === 'final')).toHaveLength(1)
  }
})

async function grantOf(worker: HandWorker, offer: Offer): Promise<Grant> {
  const answer = await worker.claim(offer)
  if (!answer.go) throw new Error(`refused: ${answer.why}`)
  return answer
}

const COUNTED = ['stale', 'repeats', 'released_by_hole', 'released_by_overrun', 'poisoned'] as const

async function counts(
  stack: Parameters<typeof countOf>[0],
): Promise<Record<(typeof COUNTED)[number], number>> {
  const entries = await Promise.all(
    COUNTED.map(async (name) => [name, await countOf(stack, name)] as const),
  )
  return Object.fromEntries(entries) as Record<(typeof COUNTED)[number], number>
}
