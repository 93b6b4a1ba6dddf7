import { test as base } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import { Failure } from '../../proto/failure.ts'
import { newJobId, newSecret, type JobId } from '../../proto/ids.ts'
import type { Queue } from '../../proto/subjects.ts'
import { grantOf } from './testing/hand-gateway.ts'
import { tokensOf } from './testing/hand-lane.ts'
import { openStage, type Stage, type StageOptions } from './testing/open-stage.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
const queues = names.flatMap((name): Queue[] => [
  { kind: 'chat', name },
  { kind: 'duplex', name },
])

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ workers: names, queues })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('stage', { scope: 'file' }, ({ nats }) => {
    const left = [...names]
    return (options: Partial<StageOptions> = {}, kind: Queue['kind'] = 'chat') => {
      const name = left.shift() ?? ''
      return openStage({ url: nats.url, worker: name, queue: { kind, name }, ...options })
    }
  })

/** Offers a job, grants it, and waits until it runs. */
async function started(it: Stage, grant = grantOf()) {
  const before = it.lane.runs.length
  it.gateway.answer = () => grant
  const job = await it.gateway.offer(it.queue)
  const run = await it.lane.nth(before)
  return { job, run, grant, claimed: { job, epoch: grant.epoch, secret: grant.secret } }
}

const block = (seq: number, epoch = 1) =>
  ({ epoch, seq, kind: 'block', bytes: Uint8Array.of(seq) }) as const

const shape = ({ gateway }: Stage, job: JobId) =>
  gateway.heard(job).map(({ epoch, seq, count, kind }) => [epoch, seq, count, kind])

test('a grant is run from its position, and what comes is numbered from there', async ({
  stage,
  expect,
}) => {
  await using it = await stage()
  const prefix = [5, 6, 7]
  const { job, run } = await started(it, grantOf({ epoch: 2, from: 3, prefix, credit: 67 }))
  expect(run.task).toMatchObject({ from: 3, prefix, credit: 67, inputFrom: 0, job: { id: job } })
  run.tokens(3, 1)
  run.say(tokensOf(4, 2), { kind: 'progress', done: 1, total: 1 }, tokensOf(6, 1))
  run.end()
  await expect
    .poll(() => shape(it, job))
    .toEqual([
      [2, 3, 1, 'tokens'],
      [2, 4, 2, 'tokens'],
      [2, 6, 0, 'progress'],
      [2, 6, 1, 'tokens'],
      [2, 7, 0, 'end'],
    ])
  expect(it.gateway.heard(job)[1]).toMatchObject({ ...tokensOf(4, 2), worker: it.worker })
  await expect.poll(() => it.intake.running()).toBe(0)
  expect(it.counts.jobs).toEqual({ done: 1, failed: 0, stopped: 0 })
})

test('the first token does not wait for the second', async ({ stage, expect }) => {
  await using it = await stage()
  const { job, run } = await started(it)
  run.tokens(0, 1)
  await expect.poll(() => it.gateway.heard(job).length).toBe(1)
})

test('credit reaches the run it is for, and no other', async ({ stage, expect }) => {
  await using it = await stage()
  const { run, claimed } = await started(it)
  const other = await started(it)
  it.gateway.control(it.worker, { type: 'credit', ...claimed, upTo: 100 })
  await expect.poll(() => run.upTo).toBe(100)
  it.gateway.control(it.worker, { type: 'credit', ...claimed, upTo: 90 })
  it.gateway.control(it.worker, { type: 'credit', ...claimed, upTo: 110 })
  await expect.poll(() => run.upTo).toBe(110)
  expect(other.run.upTo).toBe(64)
})

test('a cancel ends the run without a word, and its slot is pulled for again', async ({
  stage,
  expect,
}) => {
  await using it = await stage({ slots: 1 })
  const { job, run, claimed } = await started(it)
  run.tokens(0, 2)
  await expect.poll(() => it.gateway.heard(job).length).toBe(1)
  it.gateway.control(it.worker, { type: 'cancel', ...claimed })
  await expect.poll(() => run.signal.aborted).toBe(true)
  const next = await started(it)
  next.run.end()
  await expect.poll(() => it.gateway.heard(next.job).length).toBe(1)
  expect(shape(it, job)).toEqual([[1, 0, 2, 'tokens']])
  expect(it.counts.jobs).toMatchObject({ failed: 0, stopped: 1 })
})

test('a cancel in the same packet as the grant is not lost', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, worker, queue, lane, counts } = it
  const grant = grantOf()
  gateway.answer = () => grant
  gateway.afterAnswer = ({ job }) =>
    gateway.control(worker, {
      type: 'cancel',
      job: job as JobId,
      epoch: 1,
      secret: grant.secret,
    })
  await gateway.offer(queue)
  await expect.poll(() => counts.jobs.stopped).toBe(1)
  expect(lane.runs).toHaveLength(0)
})

test('controls with the wrong secret, epoch or job change nothing', async ({ stage, expect }) => {
  await using it = await stage()
  const { run, claimed, job } = await started(it, grantOf({ epoch: 3 }))
  const { gateway, worker, counts } = it
  gateway.control(worker, { type: 'cancel', ...claimed, secret: newSecret() })
  gateway.control(worker, { type: 'cancel', ...claimed, epoch: 2 })
  gateway.control(worker, { type: 'cancel', ...claimed, job: newJobId() })
  gateway.control(worker, { type: 'credit', ...claimed, secret: '', upTo: 1_000 })
  await expect.poll(() => counts.staleControls).toBeGreaterThanOrEqual(3)
  run.tokens(0, 1)
  await expect.poll(() => gateway.heard(job).length).toBe(1)
  expect([run.signal.aborted, run.upTo]).toEqual([false, 64])
})

test('a failure of the engine is told, with the position it happened at', async ({
  stage,
  expect,
}) => {
  await using it = await stage()
  const { job, run } = await started(it)
  run.tokens(0, 3)
  await expect.poll(() => it.gateway.heard(job).length).toBe(1)
  run.fail(new Failure('engine_failed', 'The engine stopped.', { cause: new Error('SIGSEGV') }))
  await expect
    .poll(() => it.gateway.heard(job).at(-1))
    .toMatchObject({
      kind: 'failed',
      seq: 3,
      failure: { code: 'engine_failed', message: 'The engine stopped.', param: null },
    })
  expect(it.counts.jobs.failed).toBe(1)
})

test('the deadline ends a run, and is told', async ({ stage, expect }) => {
  await using it = await stage()
  const { job, run } = await started(it, grantOf({ leftMs: 300 }))
  expect(run.signal.aborted).toBe(false)
  await expect
    .poll(() => it.gateway.heard(job).at(-1))
    .toMatchObject({
      kind: 'failed',
      seq: 0,
      failure: { code: 'expired' },
    })
  expect(run.signal.aborted).toBe(true)
})

test('the same job granted again ends the run before', async ({ stage, expect }) => {
  await using it = await stage({ slots: 2 })
  const { gateway, lane } = it
  const first = await started(it)
  first.run.tokens(0, 2)
  await expect.poll(() => gateway.heard(first.job).length).toBe(1)
  const again = grantOf({ epoch: 2, from: 2, prefix: [0, 1] })
  gateway.answer = () => again
  gateway.nak(0)
  const second = await it.lane.nth(1)
  expect(first.run.signal.aborted).toBe(true)
  second.tokens(2, 1)
  second.end()
  await expect
    .poll(() => shape(it, first.job))
    .toEqual([
      [1, 0, 2, 'tokens'],
      [2, 2, 1, 'tokens'],
      [2, 3, 0, 'end'],
    ])
  expect(lane.runs).toHaveLength(2)
})

test('a grant that is no newer than what runs is not run', async ({ stage, expect }) => {
  await using it = await stage({ slots: 2 })
  const { gateway, lane, counts } = it
  const first = await started(it, grantOf({ epoch: 2 }))
  gateway.nak(0)
  await expect.poll(() => counts.claims.go).toBe(2)
  await expect.poll(async () => (await gateway.queueState(it.queue)).pulls).toBe(1)
  expect([lane.runs.length, first.run.signal.aborted]).toEqual([1, false])
})

test('input goes to its run in order, from the packet of the grant on', async ({
  stage,
  expect,
}) => {
  await using it = await stage({}, 'duplex')
  const { gateway, worker } = it
  gateway.afterAnswer = ({ job }) => {
    for (const seq of [4, 5]) gateway.input(worker, job as JobId, block(seq))
  }
  const { job, run } = await started(it, grantOf({ inputFrom: 4 }))
  expect(run.task.inputFrom).toBe(4)
  gateway.input(worker, job, block(6, 2))
  gateway.input(worker, job, block(6))
  gateway.input(worker, job, { epoch: 1, seq: 7, kind: 'end' })
  await expect.poll(() => run.inputs.length).toBe(4)
  expect(run.inputs.map(({ seq, kind }) => [seq, kind])).toEqual([
    [4, 'block'],
    [5, 'block'],
    [6, 'block'],
    [7, 'end'],
  ])
  expect(it.counts.staleControls).toBe(1)
  run.say({ kind: 'bytes', bytes: Uint8Array.of(9) }, { kind: 'consumed', through: 5 })
  run.end()
  await expect
    .poll(() => shape(it, job))
    .toEqual([
      [1, 0, 1, 'bytes'],
      [1, 1, 0, 'consumed'],
      [1, 1, 0, 'end'],
    ])
})
