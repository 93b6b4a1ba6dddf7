import { setTimeout as sleep } from 'node:timers/promises'
import type OpenAI from 'openai'
import { describe, vi } from 'vitest'
import { JobId } from '../../proto/ids.ts'
import {
  bothWorkers,
  disturbed,
  freeze,
  kill,
  oracle,
  recordOf,
  stateOf,
  stream,
  test,
} from './stack.ts'

const QUESTION = 'How does a request travel through June step by step?'

test.beforeAll(({ stack }) => bothWorkers(stack))

describe('kill -9 of a worker in the middle of an answer', () => {
  test.for([1, 2, 3])(
    'is not seen in the text of the echo engine, time %i',
    async (time, { stack, openai, expect }) => {
      await bothWorkers(stack)
      const ask = { model: 'echo-200-5-20', seed: time, after: 60 * time, fault: kill }
      const { text, job } = await disturbed(stack, openai, ask)
      expect(text).toBe(oracle(time, 200))
      const record = await recordOf(stack, job)
      expect(record).toMatchObject({
        type: 'final',
        outcome: 'done',
        usage: { completionTokens: 200 },
      })
      expect(record?.spans.length).toBeGreaterThan(1)
    },
  )

  test.for([
    { title: 'greedy', temperature: 0, seed: 1 },
    { title: 'sampled', temperature: 0.9, seed: 11 },
  ])(
    'leaves the built-in model’s $title answer as it was',
    async ({ temperature, seed }, { stack, openai, expect }) => {
      await bothWorkers(stack)
      const ask = { model: 'june-chat', text: QUESTION, temperature, seed }
      const undisturbed = await stream(openai, ask)
      const after = undisturbed.length / 3
      const { text, job } = await disturbed(stack, openai, { ...ask, after, fault: kill })
      expect(text).toBe(undisturbed)
      expect((await recordOf(stack, job))?.spans.length).toBeGreaterThan(1)
    },
  )
})

const freezeABit = (pid: number): Promise<void> => freeze(pid, 1_500)

describe('a worker that is frozen', () => {
  test('loses its job to the other, and its late frames change nothing', async ({
    stack,
    openai,
    expect,
  }) => {
    await bothWorkers(stack)
    const ask = { model: 'echo-300-10-0', seed: 9, after: 200, fault: freezeABit }
    const { text, job, pid } = await disturbed(stack, openai, ask)
    expect(await stateOf(pid)).not.toBe('T')
    expect(text).toBe(oracle(9, 300))
    expect((await recordOf(stack, job))?.spans.length).toBeGreaterThan(1)
  })
})

/** Asks for an answer that would take for ever, and hangs up at its first event, or after `afterMs` without one. */
async function hangUp(openai: OpenAI, model: string, afterMs?: number): Promise<JobId> {
  const hangup = new AbortController()
  const { data, response } = await openai.chat.completions
    .create(
      { model, stream: true, messages: [{ role: 'user', content: 'hi' }] },
      { signal: hangup.signal },
    )
    .withResponse()
  if (afterMs !== undefined) void sleep(afterMs).then(() => hangup.abort())
  for await (const event of data) if (event.choices[0]?.delta.content) hangup.abort()
  return JobId.parse(response.headers.get('x-generation-id'))
}

describe('a client that hangs up', () => {
  test('frees its slot: all of both workers can be used again at once', async ({
    stack,
    openai,
    expect,
  }) => {
    await bothWorkers(stack)
    const model = 'echo-100000-20-0'
    const jobs = await Promise.all(Array.from({ length: 32 }, () => hangUp(openai, model)))
    const short = { model: 'echo-5-0-0', seed: 3 }
    const again = await Promise.all(Array.from({ length: 32 }, () => stream(openai, short)))
    expect(new Set(again)).toEqual(new Set([oracle(3, 5)]))
    for (const job of jobs)
      await vi.waitFor(async () =>
        expect(await recordOf(stack, job)).toMatchObject({ type: 'final', outcome: 'cancelled' }),
      )
  })

  test('before its first token takes its job away too', async ({ stack, openai, expect }) => {
    const job = await hangUp(openai, 'echo-10-0-60000', 300)
    await vi.waitFor(async () =>
      expect(await recordOf(stack, job)).toMatchObject({ type: 'final', outcome: 'cancelled' }),
    )
  })
})
