import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readWords, vectorOf } from '../../workers/engines/lexical/features.ts'
import { hello, oracle } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack, WorkerName } from './stack.ts'
import { until } from './until.ts'

const SEED = 42
const CHAT = '/v1/chat/completions'

const BLOCKS = 'june_worker_blocks_total'

const longText = (at: number): string =>
  Array.from({ length: 150 }, (_, i) => `word${at * 7 + i * i}`).join(' ')

export function faults(stack: () => Stack): void {
  const ask = (tokens: number, gapMs: number) => stack().stream(`echo-${tokens}-${gapMs}-0`, SEED)
  /** The worker that has something to do, once one does. */
  const holder = async (): Promise<WorkerName> => {
    for (;;)
      for (const name of stack().workers.keys())
        if ((await stack().metric(name, 'june_worker_jobs_running')) > 0) return name
  }

  describe('a fault', () => {
    test('of the worker is not seen in the text', async () => {
      await stack().startWorker('w2')
      const text = ask(600, 4)
      const killed = await holder()
      await sleep(300)
      expect(await stack().metric(killed, 'june_worker_jobs_running')).toBe(1)
      await stack().endWorker(killed, 'SIGKILL')
      expect(readSse(await text)).toMatchObject({ text: oracle(SEED, 600), done: true })
      await stack().startWorker(killed)
      await stack().endWorker('w2', 'SIGTERM')
    })

    test('of the worker is not seen in its vectors', async () => {
      await stack().startWorker('w2')
      const input = Array.from({ length: 1_000 }, (_, i) => longText(i))
      const asked = stack()
        .openai()
        .embeddings.create({ model: 'june-embed', input })
        .withResponse()
      const killed = await holder()
      const blocks = await stack().metric(killed, BLOCKS)
      await until(async () => (await stack().metric(killed, BLOCKS)) > blocks + 100)
      await stack().endWorker(killed, 'SIGKILL')
      const { data, response } = await asked
      expect(data.data.map(({ embedding }) => embedding.slice(0, 8).map(Math.fround))).toEqual(
        input.map((text) => Array.from(vectorOf(readWords(text)).slice(0, 8))),
      )
      const record = await stack().ledger(String(response.headers.get('x-generation-id')))
      expect(record?.spans.map(({ from }) => from > 0)).toEqual([false, true])
      await stack().startWorker(killed)
      await stack().endWorker('w2', 'SIGTERM')
    })

    test('of the broker ends a stream whole or with an error, never silently', async () => {
      const body = ask(2_000, 2)
      await sleep(500)
      await stack().nats.restart('SIGKILL')
      const { text, done, error } = readSse(await body)
      expect(done).toBe(error === undefined)
      expect(oracle(SEED, 2_000).startsWith(text)).toBe(true)
      expect(text === oracle(SEED, 2_000)).toBe(done)

      await until(async () => (await stack().fetch('/ready')).status === 200, 15_000)
      expect(readSse(await ask(50, 0))).toMatchObject({ text: oracle(SEED, 50), done: true })
    })

    test('of the broker is told to new requests as 503, with when to come back', async () => {
      stack().nats.signal('SIGKILL')
      await until(async () => (await stack().fetch('/ready')).status === 503)
      const json = { model: 'echo-5-0-0', messages: hello }
      const startMs = performance.now()
      const refused = await stack().fetch(CHAT, { key: stack().admin, json })
      expect(performance.now() - startMs).toBeLessThan(5_000)
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({
        error: { type: 'service_unavailable_error', code: 'service_unavailable' },
      })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect((await stack().fetch('/health')).status).toBe(200)

      // A key that was made is not lost with the word of it; nor is one that was revoked good for longer here.
      const { id, secret } = await stack().newKey()
      expect((await stack().fetch(CHAT, { key: secret, json })).status).toBe(503)
      const revoked = await stack().fetch(`/admin/keys/${id}`, {
        key: stack().admin,
        method: 'DELETE',
      })
      expect(revoked.status).toBe(200)
      expect((await stack().fetch(CHAT, { key: secret, json })).status).toBe(401)
      await stack().nats.restart()
      await until(async () => (await stack().fetch('/ready')).status === 200, 15_000)
      expect(readSse(await ask(50, 0))).toMatchObject({ text: oracle(SEED, 50), done: true })
    })

    test('of the broker while nothing waits loses no job that comes later', async () => {
      // Twice: a broker that starts with an empty queue may count its messages from 1 again.
      for (let i = 0; i < 2; i++) {
        for (let n = 0; n < 5; n++) await ask(5, 0)
        await until(async () => (await stack().queued()) === 0)
        await stack().nats.restart('SIGKILL')
        await until(async () => (await stack().fetch('/ready')).status === 200, 15_000)
        expect(readSse(await ask(20, 0))).toMatchObject({ text: oracle(SEED, 20), done: true })
      }
    })

    test('of the last worker is told by /ready', async () => {
      await stack().endWorker('w1', 'SIGKILL')
      await until(async () => (await stack().fetch('/ready')).status === 503)
      const response = await stack().fetch('/ready')
      expect(await response.json()).toEqual({
        status: 'not ready',
        broker: true,
        database: true,
        workers: false,
      })
      const waits = ask(20, 0)
      await sleep(200)
      await stack().startWorker('w1')
      expect(readSse(await waits)).toMatchObject({ text: oracle(SEED, 20), done: true })
      await until(async () => (await stack().fetch('/ready')).status === 200)
    })
  })
}
