import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { oracle } from './oracle.ts'
import { readSse } from './sse.ts'
import type { Stack } from './stack.ts'
import { until } from './until.ts'

const SEED = 3

/** These come last: each of them ends the gateway. */
export function lifecycle(stack: () => Stack): void {
  const listens = () =>
    fetch(`${stack().url}/health`).then(
      () => true,
      () => false,
    )
  const ask = (tokens: number) => stack().stream(`echo-${tokens}-2-0`, SEED)

  describe('the process of a gateway', () => {
    test('lets a stream end before it ends, and leaves nothing behind', async () => {
      const text = ask(300)
      await sleep(200)
      expect(await stack().gateway.end('SIGTERM')).toEqual({ code: 0, signal: null })
      expect(readSse(await text)).toMatchObject({ text: oracle(SEED, 300), done: true })
      expect(await listens()).toBe(false)
    })

    test('starts again and knows its keys and models', async () => {
      await stack().startGateway()
      expect(readSse(await ask(20))).toMatchObject({ text: oracle(SEED, 20), done: true })
    })

    test('leaves nothing behind when it is killed, and the next one is not troubled', async () => {
      const broken = ask(5_000).catch(() => 'broken')
      await until(async () => (await stack().metric('w1', 'june_worker_jobs_running')) === 1)
      await stack().gateway.end('SIGKILL')
      await until(async () => !(await listens()), 2_000)
      expect(await broken).toBe('broken')
      await stack().startGateway()
      expect(readSse(await ask(20))).toMatchObject({ text: oracle(SEED, 20), done: true })
    })

    test('ends when whoever started it is gone', async () => {
      stack().gateway.disconnect()
      expect(await until(async () => !(await listens()), 5_000)).toBeLessThan(5_000)
    })
  })
}
