import type OpenAI from 'openai'
import { describe } from 'vitest'
import type { StackFixture } from '../../infra/testing/start-stack.ts'
import type { JobId } from '../../proto/ids.ts'
import { bothWorkers, oracle, recordOf, stateOf, stream, test } from './stack.ts'

/** A stream under way, as its reader has it. */
interface Reading {
  job: JobId
  text: Promise<string>
}

/** Resolves once its first token is there. */
async function begin(openai: OpenAI, model: string): Promise<Reading> {
  const { promise: begun, resolve } = Promise.withResolvers<JobId>()
  const text = stream(openai, { model, seed: 5 }, (_, job) => resolve(job))
  // What is thrown before the first token is thrown here, and what comes after it where the text is awaited.
  text.catch(() => {})
  return { job: await Promise.race([begun, text.then(() => begun)]), text }
}

const begins = (openai: OpenAI, model: string, streams: number): Promise<Reading[]> =>
  Promise.all(Array.from({ length: streams }, () => begin(openai, model)))

/** By whom each was computed, one worker for each of its epochs. */
const workersOf = (stack: StackFixture, readings: readonly Reading[]): Promise<string[][]> =>
  Promise.all(
    readings.map(async ({ job }) => {
      const record = await recordOf(stack, job)
      return record?.spans.map(({ worker }) => worker) ?? []
    }),
  )

async function processOf(stack: StackFixture, worker?: string) {
  const { workers } = await stack.read()
  const found = workers.find(({ id }) => id === worker)
  if (!found) throw new Error(`${worker} is not up`)
  return found
}

const LONG = 300
const SHORT = 50

describe('SIGTERM to a worker under sixteen streams', () => {
  test('breaks none: what ends within the grace ends there, and the rest goes on elsewhere', async ({
    stack,
    openai,
    expect,
  }) => {
    await bothWorkers(stack)
    const long = await begins(openai, `echo-${LONG}-20-0`, 8)
    const [begun] = await workersOf(stack, long)
    const short = await begins(openai, `echo-${SHORT}-20-0`, 8)
    const { id, pid } = await processOf(stack, begun?.[0])
    process.kill(pid, 'SIGTERM')

    const texts = await Promise.all([...long, ...short].map(({ text }) => text))
    expect(new Set(texts)).toEqual(new Set([oracle(5, LONG), oracle(5, SHORT)]))
    expect(['Z', undefined]).toContain(await stateOf(pid))

    // What could end in time ended where it was; what could not went on elsewhere, once.
    expect((await workersOf(stack, short)).map(({ length }) => length)).toEqual(short.map(() => 1))
    const epochs = await workersOf(stack, long)
    const moved = epochs.filter(([first]) => first === id)
    expect(moved.length).toBeGreaterThan(0)
    expect(moved.map(({ length }) => length)).toEqual(moved.map(() => 2))
    const stayed = epochs.filter(([first]) => first !== id)
    expect(stayed.map(({ length }) => length)).toEqual(stayed.map(() => 1))

    // The launcher has started another in its place.
    await bothWorkers(stack)
    expect((await processOf(stack, id)).pid).not.toBe(pid)
  })
})
