import { describe, onTestFinished, test as base, vi } from 'vitest'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { streamChat } from '../../client/stream-chat.ts'
import { connectionOptions } from '../../infra/nats/connection-options.ts'
import { startStack, type StackFixture } from '../../infra/testing/start-stack.ts'
import { JobId } from '../../proto/ids.ts'
import { begunResponse, eventsIn } from './begun-response.ts'
import { freeze, kill, oracle, recordOf } from './stack.ts'

const SEED = 7
const STREAMS = 10
const TOKENS = 200
/** Two seconds of a token each 10 ms. */
const request = {
  model: `echo-${TOKENS}-10-0`,
  seed: SEED,
  messages: [{ role: 'user' as const, content: 'hi' }],
}

const test = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const stack = await startStack({ workers: 2, gateways: 2 })
  onCleanup(() => stack[Symbol.asyncDispose]())
  return stack
})

interface Gateway {
  url: string
  pid: number
}

/** The gateways as they are now, both up. */
async function gatewaysOf(stack: StackFixture): Promise<[Gateway, Gateway]> {
  for (let tries = 0; tries < 600; tries++) {
    const { gateways } = await stack.read()
    const [first, second] = gateways
    const up = await Promise.all(
      gateways.map(({ url }) =>
        fetch(`${url}/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    )
    if (first && second && up.every(Boolean)) return [first, second]
    await sleep(50)
  }
  throw new Error(`the gateways did not come back:\n${stack.said()}`)
}

async function brokerOf(stack: StackFixture): Promise<number> {
  const { pid } = (await stack.read()).nats
  if (pid === null) throw new Error('the broker is not ours')
  return pid
}

interface Reader {
  text: string
  job: JobId
  reconnects: number
  over: Promise<void>
}

/** A client that begins at the first of these gateways and means to come back. */
function read(stack: StackFixture, urls: readonly string[]): Reader {
  const reader: Reader = { text: '', job: '' as JobId, reconnects: 0, over: Promise.resolve() }
  const answer = streamChat({ urls, key: stack.run.key }, request, {
    onReconnect: () => reader.reconnects++,
  })
  reader.over = (async () => {
    for await (const { chunk, job } of answer) {
      reader.job = JobId.parse(job)
      reader.text += chunk.choices[0]?.delta.content ?? ''
    }
  })()
  return reader
}

/** Readers that all have something, and not all. */
async function begun(stack: StackFixture, urls: readonly string[]): Promise<Reader[]> {
  const readers = Array.from({ length: STREAMS }, () => read(stack, urls))
  await vi.waitUntil(() => readers.every(({ text }) => text.length > 100), { timeout: 10_000 })
  if (readers.some(({ text }) => text.length === oracle(SEED, TOKENS).length))
    throw new Error('an answer was over before the fault')
  return readers
}

async function tokensMade(stack: StackFixture, job: JobId): Promise<number> {
  const nc = await connect(connectionOptions(stack.run.nats.url))
  onTestFinished(() => nc.close())
  const jsm = await jetstreamManager(nc)
  const info = await jsm.streams.info('FRAMES', { subjects_filter: `out.*.${job}` })
  return Object.values(info.state.subjects ?? {}).length
}

describe('a gateway with ten readers', () => {
  test('that is killed loses nothing: they read on at the other, and nothing is made twice', async ({
    stack,
    expect,
  }) => {
    const [victim, other] = await gatewaysOf(stack)
    const readers = await begun(stack, [victim.url, other.url])
    await kill(victim.pid)
    await Promise.all(readers.map(({ over }) => over))
    for (const { text, job, reconnects } of readers) {
      expect(text).toBe(oracle(SEED, TOKENS))
      expect(reconnects).toBeGreaterThan(0)
      const record = await recordOf(stack, job)
      // One epoch: the worker went on as if nothing had happened.
      expect(record).toMatchObject({
        type: 'final',
        outcome: 'done',
        spans: [{ epoch: 1, from: 0 }],
        usage: { completionTokens: TOKENS },
      })
      expect(await tokensMade(stack, job)).toBe(1)
    }
  })

  test('that is killed loses no response: its events go on at the other by number, exactly', async ({
    stack,
    expect,
  }) => {
    const [victim, other] = await gatewaysOf(stack)
    const body = { model: request.model, seed: SEED, input: 'hi' }
    // One goes on by itself. The other ends with its reader, but not with its gateway.
    const responses = await Promise.all(
      [{ background: true }, {}].map((extra) =>
        begunResponse(stack, { url: victim.url, body: { ...body, ...extra }, events: 40 }),
      ),
    )
    await kill(victim.pid)
    const get = (id: string, query = '') =>
      fetch(`${other.url}/v1/responses/${id}${query}`, {
        headers: { authorization: `Bearer ${stack.run.key}` },
      })
    const rests = await Promise.all(
      responses.map(async ({ id, seen }) => {
        const rest = await get(id, `?stream=true&starting_after=${seen.length - 1}`)
        return { id, all: [...seen, ...eventsIn(await rest.text())] }
      }),
    )
    for (const { id, all } of rests) {
      expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, i) => i))
      expect(all.map(({ delta = '' }) => delta).join('')).toBe(oracle(SEED, TOKENS))
      expect(all.at(-1)).toMatchObject({ type: 'response.completed', response: { id } })
      expect(eventsIn(await (await get(id, '?stream=true')).text())).toEqual(all)
      expect(await (await get(id)).json()).toMatchObject({ id, status: 'completed' })
      const record = await recordOf(stack, JobId.parse(id.replace('resp_', 'job_')))
      expect(record?.spans).toHaveLength(1)
    }
  })

  test('that is killed together with its broker loses nothing: what FRAMES forgot is made again, and not shown', async ({
    stack,
    expect,
  }) => {
    const [victim, other] = await gatewaysOf(stack)
    const readers = await begun(stack, [victim.url, other.url])
    await Promise.all([kill(victim.pid), kill(await brokerOf(stack))])
    await Promise.all(readers.map(({ over }) => over))
    for (const { text } of readers) expect(text).toBe(oracle(SEED, TOKENS))
  })

  test('that stands still for two seconds loses its jobs, and not one reader a token', async ({
    stack,
    expect,
  }) => {
    const [victim] = await gatewaysOf(stack)
    // They know no other gateway, and their connections hold.
    const readers = await begun(stack, [victim.url])
    await freeze(victim.pid, 2_000)
    await Promise.all(readers.map(({ over }) => over))
    for (const { text, job } of readers) {
      expect(text).toBe(oracle(SEED, TOKENS))
      const record = await recordOf(stack, job)
      expect(record).toMatchObject({ type: 'final', outcome: 'done' })
      expect(record?.spans).toHaveLength(1)
    }
  })

  test('that is told to end lets them go on, and a restart of both shows no error', async ({
    stack,
    expect,
  }) => {
    const readers: Reader[] = []
    for (const victim of await gatewaysOf(stack)) {
      const urls = (await gatewaysOf(stack)).map(({ url }) => url)
      readers.push(...(await begun(stack, urls)))
      process.kill(victim.pid, 'SIGTERM')
      await vi.waitUntil(
        async () => !(await stack.read()).gateways.some(({ pid }) => pid === victim.pid),
        { timeout: 20_000 },
      )
    }
    await Promise.all(readers.map(({ over }) => over))
    for (const { text } of readers) expect(text).toBe(oracle(SEED, TOKENS))
  })

  test('and its twin run one job for ten requests with one key, and one usage record', async ({
    stack,
    expect,
  }) => {
    const gateways = await gatewaysOf(stack)
    const ask = ({ url }: Gateway) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${stack.run.key}`,
          'content-type': 'application/json',
          'idempotency-key': 'the same',
        },
        body: JSON.stringify(request),
      })
    const answers = await Promise.all(Array.from({ length: 5 }, () => gateways.map(ask)).flat())
    const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    expect(bodies.size).toBe(1)
    const jobs = new Set(answers.map(({ headers }) => headers.get('x-generation-id')))
    expect(jobs.size).toBe(1)
    const [job] = jobs
    expect(await recordOf(stack, JobId.parse(job))).toMatchObject({
      outcome: 'done',
      usage: { completionTokens: TOKENS },
    })
  })
})
