import { afterEach, describe, expect, test } from 'vitest'
import { hello } from './oracle.ts'
import { RawClient } from './raw-client.ts'
import type { Runtime, Stack } from './stack.ts'
import { until } from './until.ts'

const CHAT = '/v1/chat/completions'
const SLOTS = 16
/**
 * A hang-up is heard, recorded, told to the worker, and obeyed after at most one step. Node hears of it at once;
 * workerd when it next writes, and a stream that has nothing to say writes a keep-alive within two seconds.
 */
const FREE_WITHIN_MS: Record<Runtime, number> = { node: 1_000, workerd: 4_000 }

const long = { model: 'echo-9999-5-0', messages: hello, stream: true }

export function hangUp(stack: () => Stack, runtime: Runtime): void {
  const withinMs = FREE_WITHIN_MS[runtime]
  const running = () => stack().metric('w1', 'june_worker_jobs_running')

  const ask = async (json: object = long) => {
    const hangup = new AbortController()
    const { signal } = hangup
    const response = await stack().fetch(CHAT, { key: stack().admin, json, signal })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const id = response.headers.get('x-generation-id') ?? ''
    const read = async () => (await reader?.read())?.value ?? ''
    return { id, read, hangUp: () => hangup.abort() }
  }

  describe('a client that hangs up', () => {
    afterEach(() => stack().idle())

    test('in the middle of a stream frees the slot, and the job is cancelled', async () => {
      const { id, read, hangUp: leave } = await ask()
      for (let text = ''; text.length < 2_000;) text += await read()
      expect(await running()).toBe(1)
      leave()
      expect(await until(async () => (await running()) === 0)).toBeLessThan(withinMs)
      await until(async () => (await stack().ledger(id))?.type === 'final')
      expect(await stack().ledger(id)).toMatchObject({ type: 'final', outcome: 'cancelled' })
      await until(async () => (await stack().queued()) === 0)
    })

    test('before the first token frees the slot', async () => {
      const { id, hangUp: leave } = await ask({ ...long, model: 'echo-9-5-9000' })
      await until(async () => (await running()) === 1)
      leave()
      expect(await until(async () => (await running()) === 0)).toBeLessThan(withinMs)
      expect(await stack().ledger(id)).toMatchObject({ type: 'final', outcome: 'cancelled' })
    })

    test('while it waits in the queue is no longer waited for', async () => {
      const busy = await Promise.all(Array.from({ length: SLOTS }, () => ask()))
      await until(async () => (await running()) === SLOTS)
      const waiting = await ask()
      expect(await stack().queued()).toBe(SLOTS + 1)
      waiting.hangUp()
      await until(async () => (await stack().queued()) === SLOTS, withinMs)
      expect(await stack().ledger(waiting.id)).toMatchObject({
        type: 'final',
        outcome: 'cancelled',
        usage: { completionTokens: 0 },
      })
      for (const each of busy) each.hangUp()
      await until(async () => (await running()) === 0)
      await until(async () => (await stack().queued()) === 0)
    })

    // workerd cannot: a closed socket looks to it like a half-closed one, and it may not write before the answer is there.
    test.skipIf(runtime === 'workerd')(
      'on an answer that is not streamed frees the slot too',
      async () => {
        const hangup = new AbortController()
        const { admin: key } = stack()
        const json = { ...long, stream: false }
        const asked = stack().fetch(CHAT, { key, json, signal: hangup.signal })
        const left = asked.catch((error: Error) => error.name)
        await until(async () => (await running()) === 1)
        hangup.abort()
        expect(await left).toBe('AbortError')
        expect(await until(async () => (await running()) === 0)).toBeLessThan(withinMs)
      },
    )

    test('on an answer that is not streamed, by a reset, frees the slot too', async () => {
      const json = { ...long, stream: false }
      using client = await RawClient.post(new URL(CHAT, stack().url), stack().admin, json)
      await until(async () => (await running()) === 1)
      client[Symbol.dispose]()
      expect(await until(async () => (await running()) === 0)).toBeLessThan(withinMs)
    })

    test('fifty times over leaves nothing behind', async () => {
      for (let round = 0; round < 5; round++) {
        const asked = await Promise.all(Array.from({ length: 10 }, () => ask()))
        for (const each of asked) each.hangUp()
      }
      await until(async () => (await running()) === 0)
      expect(await until(async () => (await stack().queued()) === 0)).toBeGreaterThanOrEqual(0)
    })
  })
}
