import { headers } from '@nats-io/nats-core'
import { test as base } from 'vitest'
import { startNats } from '../../infra/testing/start-nats.ts'
import { newNonce } from '../../proto/ids.ts'
import type { Queue } from '../../proto/subjects.ts'
import { subjects } from '../../proto/subjects.ts'
import { grantOf, HandGateway, type Reply } from './testing/hand-gateway.ts'
import { openStage, type StageOptions } from './testing/open-stage.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
const queues = names.map((name): Queue => ({ kind: 'chat', name }))

const test = base
  .extend('nats', { scope: 'file' }, async ({}, { onCleanup }) => {
    const nats = await startNats({ gateways: ['g1', 'g2'], workers: names, queues })
    onCleanup(() => nats[Symbol.asyncDispose]())
    return nats
  })
  .extend('stage', { scope: 'file' }, ({ nats }) => {
    const left = [...names]
    return (options: Partial<StageOptions> = {}) => {
      const name = left.shift() ?? ''
      return openStage({ url: nats.url, worker: name, queue: { kind: 'chat', name }, ...options })
    }
  })

test('as many pulls are open as slots are free', async ({ stage, expect }) => {
  await using it = await stage({ slots: 3 })
  const { gateway, queue, lane } = it
  const pulls = async () => (await gateway.queueState(queue)).pulls
  await expect.poll(pulls).toBe(3)
  gateway.answer = () => grantOf()
  await gateway.offer(queue)
  await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(2)
  await expect.poll(pulls).toBe(1)
  lane.runs[0]?.end()
  await expect.poll(pulls).toBe(2)
  // Over the life of a pull, too.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(await pulls()).toBe(2)
})

test('a slot whose run clings to it is not pulled for', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, lane, worker } = it
  const grant = grantOf()
  gateway.answer = () => grant
  const job = await gateway.offer(queue)
  const run = await lane.nth(0)
  run.clings = true
  gateway.control(worker, { type: 'cancel', job, epoch: 1, secret: grant.secret })
  await expect.poll(() => run.signal.aborted).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect((await gateway.queueState(queue)).pulls).toBe(0)
  run.free = true
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(1)
})

test('a lane whose thread died pulls nothing', async ({ stage, expect }) => {
  await using it = await stage()
  const { gateway, queue, lane } = it
  lane.dead = true
  await expect.poll(async () => (await gateway.queueState(queue)).pulls, { timeout: 4_000 }).toBe(0)
  lane.dead = false
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(2)
})

test('a queue that no gateway opened is waited for', async ({ stage, expect }) => {
  await using it = await stage({ opened: false })
  const { gateway, queue } = it
  await new Promise((resolve) => setTimeout(resolve, 600))
  await gateway.openQueue(queue)
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(2)
})

test('an offer is asked for, and a refusal frees the slot for the next', async ({
  stage,
  expect,
}) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, worker, lane, counts, link } = it
  gateway.answer = () => ({ go: false, why: 'cancelled' })
  const first = await gateway.offer(queue)
  await expect.poll(() => gateway.asked.length).toBe(1)
  expect(gateway.asked[0]).toMatchObject({ whom: gateway.id, worker, job: first })
  expect(gateway.asked[0]?.claim).toEqual({
    ack: expect.stringMatching(/^\$JS\.ACK\.JOBS\.chat-/),
    connection: link.nc.info?.client_id,
    nonce: expect.stringMatching(/^[0-9a-f]{8}$/),
  })
  gateway.answer = () => grantOf()
  const second = await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(1)
  expect(lane.runs[0]?.task.job.id).toBe(second)
  expect([counts.claims.cancelled, counts.claims.go]).toEqual([1, 1])
  // The worker settles nothing: both deliveries are still open.
  expect((await gateway.queueState(queue)).unanswered).toBe(2)
})

test('any gateway is asked when the one that admitted the job is dead', async ({
  nats,
  stage,
  expect,
}) => {
  await using it = await stage()
  const { gateway, queue, lane } = it
  await using other = await HandGateway.open(nats.url('g2'))
  other.hearClaims('any')
  other.answer = () => grantOf({ epoch: 4 })
  const job = await gateway.offer(queue, { gateway: other.id.replace('g2', 'g3') as never })
  await expect.poll(() => lane.runs.length).toBe(1)
  expect(other.asked.map(({ whom, job: id }) => [whom, id])).toEqual([['any', job]])
})

test('three silences of all gateways, and the offer is dropped', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, counts, lane } = it
  await gateway.offer(queue, { gateway: `dead-${newNonce()}` as never })
  await expect.poll(() => counts.claims.silence).toBe(1)
  expect(lane.runs).toHaveLength(0)
  await expect.poll(async () => (await gateway.queueState(queue)).pulls).toBe(1)
})

test('a gateway that does not know the job does not speak for the others', async ({
  nats,
  stage,
  expect,
}) => {
  await using it = await stage()
  const { gateway, queue, lane } = it
  await using other = await HandGateway.open(nats.url('g2'))
  other.hearClaims('any')
  other.answer = () => grantOf()
  gateway.answer = () => ({ go: false, why: 'deposed' })
  await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(1)
})

test('an answer that is none counts as silence', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, counts, lane } = it
  gateway.hearClaims('any')
  const noGrant = new TextEncoder().encode('{"go":true}')
  const replies: Reply[] = [new Uint8Array(), noGrant, Uint8Array.of(0xff)]
  replies.push({ go: false, why: 'held' })
  gateway.answer = () => replies.shift()
  await gateway.offer(queue)
  await expect.poll(() => counts.claims.held).toBe(1)
  expect(gateway.asked.map(({ whom }) => whom)).toEqual([gateway.id, 'any', 'any', 'any'])
  expect(lane.runs).toHaveLength(0)
})

test('what is no job is never asked for, and a job after it is', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, counts, lane } = it
  for (const bytes of ['', 'not json', '{}', '{"kind":"chat"}', Uint8Array.of(0xff, 0xfe)])
    await gateway.offerBytes(queue, bytes)
  await expect.poll(() => counts.noise).toBe(5)
  expect(gateway.asked).toEqual([])
  gateway.answer = () => grantOf()
  await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(1)
})

test('noise on ctl and in does nothing', async ({ stage, expect }) => {
  await using it = await stage({ slots: 1 })
  const { gateway, queue, worker, counts, lane } = it
  const grant = grantOf()
  gateway.answer = () => grant
  const job = await gateway.offer(queue)
  await expect.poll(() => lane.runs.length).toBe(1)
  const { nc } = gateway
  const status = headers(408, 'Request Timeout')
  const cancel = JSON.stringify({ type: 'cancel', job, epoch: 1, secret: grant.secret })
  for (const subject of [subjects.ctl(worker), subjects.in(worker, job)]) {
    nc.publish(subject)
    nc.publish(subject, 'garbage')
    nc.publish(subject, Uint8Array.of(0xff))
    nc.publish(subject, cancel, { headers: status })
  }
  // A job body, as a forged reply subject brings one.
  nc.publish(subjects.ctl(worker), JSON.stringify({ ...lane.runs[0]?.task.job }))
  await expect.poll(() => counts.noise).toBe(9)
  expect(lane.runs[0]?.signal.aborted).toBe(false)
  lane.runs[0]?.end()
  await expect.poll(() => gateway.heard(job).map(({ kind }) => kind)).toEqual(['end'])
})
