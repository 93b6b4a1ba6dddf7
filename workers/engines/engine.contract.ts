import { describe, test as base } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import type { Output } from '../../proto/frame.ts'
import { sizeOf } from '../thread/portion.ts'
import type { Engine, Task } from './engine.ts'

/** What an engine made: `said` is what a reader would be shown, position by position. */
export interface Heard {
  outputs: Output[]
  ids: number[]
  texts: string[]
  /** As hex; empty where the job asks for none. */
  scores: string[]
  said: (string | number)[]
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Runs a task to its end. */
export async function hear(
  engine: Engine,
  task: Task,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<Heard> {
  const outputs = await Array.fromAsync(engine.run(task, signal))
  const tokens = outputs.filter((output) => output.kind === 'tokens')
  const blocks = outputs.filter((output) => output.kind === 'bytes')
  const ids = tokens.flatMap((output) => output.ids)
  const texts = tokens.flatMap((output) => output.texts)
  const scores = tokens.flatMap((output) => (output.scores ?? []).map(hex))
  const bytes = blocks.map((output) => hex(output.bytes))
  const told = ids.map((id, i) => [id, texts[i], scores[i]].join(':'))
  return { outputs, ids, texts, scores, said: [...told, ...bytes] }
}

/** Reads until something is shown, does `then`, and reads on. */
async function atFirstSight(
  outputs: AsyncIterable<Output>,
  then: () => 'leave' | 'stay',
): Promise<void> {
  for await (const output of outputs) if (sizeOf(output) > 0 && then() === 'leave') return
}

const OTHER = { chat: 'duplex', duplex: 'chat', embed: 'rerank', rerank: 'embed' } as const

/**
 * What every engine promises. `taskFrom` continues the same job at a position, with the ids emitted before it; the job
 * must say at least four tokens or blocks.
 */
export function engineContract(
  name: string,
  open: () => Promise<Engine>,
  taskFrom: (from: number, prefix: readonly number[]) => Task,
): void {
  const test = base.extend('engine', { scope: 'file' }, async ({}, { onCleanup }) => {
    const engine = await open()
    onCleanup(() => engine[Symbol.asyncDispose]())
    return engine
  })

  describe(`${name} keeps the engine contract`, () => {
    test('ends with exactly one end', async ({ engine, expect }) => {
      const kinds = (await hear(engine, taskFrom(0, []))).outputs.map(({ kind }) => kind)
      expect(kinds.length).toBeGreaterThan(4)
      expect(kinds.indexOf('end')).toBe(kinds.length - 1)
    })

    test('goes on from any position exactly as it would have', async ({ engine, expect }) => {
      const whole = await hear(engine, taskFrom(0, []))
      for (let from = 0; from <= whole.said.length; from++) {
        const rest = await hear(engine, taskFrom(from, whole.ids.slice(0, from)))
        expect(rest.said).toEqual(whole.said.slice(from))
        expect(rest.outputs.at(-1)).toMatchObject({ kind: 'end', finish: 'stop' })
      }
    })

    test('throws the reason when it is aborted, and runs again', async ({ engine, expect }) => {
      const whole = await hear(engine, taskFrom(0, []))
      const abort = new AbortController()
      const reason = new Error('nobody listens')
      const cut = atFirstSight(engine.run(taskFrom(0, []), abort.signal), () => {
        abort.abort(reason)
        return 'stay'
      })
      await expect(cut).rejects.toBe(reason)
      expect((await hear(engine, taskFrom(0, []))).said).toEqual(whole.said)
    })

    test('throws the reason when it was aborted before', async ({ engine, expect }) => {
      const run = hear(engine, taskFrom(0, []), AbortSignal.abort(new Error('too late')))
      await expect(run).rejects.toThrow('too late')
    })

    test('frees the slot of a reader who leaves', async ({ engine, expect }) => {
      const whole = await hear(engine, taskFrom(0, []))
      for (let i = 0; i < engine.slots * 2; i++)
        await atFirstSight(engine.run(taskFrom(0, []), AbortSignal.timeout(60_000)), () => 'leave')
      expect((await hear(engine, taskFrom(0, []))).said).toEqual(whole.said)
    })

    test('says the same in every slot at once', async ({ engine, expect }) => {
      const whole = await hear(engine, taskFrom(0, []))
      const all = await Promise.all(
        Array.from({ length: engine.slots + 2 }, () => hear(engine, taskFrom(0, []))),
      )
      for (const { said } of all) expect(said).toEqual(whole.said)
    })

    test('refuses a model or a kind that is not its own', async ({ engine, expect }) => {
      const { job } = taskFrom(0, [])
      const other = { ...job, kind: OTHER[job.kind] } as typeof job
      const run = hear(engine, { ...taskFrom(0, []), job: other })
      await expect(run).rejects.toThrow(Failure)
    })
  })
}
