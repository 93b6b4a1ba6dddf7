import { setTimeout } from 'node:timers/promises'
import { describe, test as base, vi } from 'vitest'
import { echoToken } from '../../proto/echo.ts'
import type { Output } from '../../proto/frame.ts'
import type { Job } from '../../proto/job.ts'
import type { EngineSpec } from '../engines/engine-spec.ts'
import { sampleChat, sampleDuplex } from '../engines/sample-jobs.ts'
import { sizeOf } from '../thread/portion.ts'
import type { LaneRun, LaneTask } from './lane.ts'
import { POISON } from './mortal-entry.fixture.ts'
import { PiscinaLane, type LaneOptions } from './piscina-lane.ts'

const open = (spec: EngineSpec, more: Partial<LaneOptions> = {}) =>
  PiscinaLane.open({
    spec,
    queue: 'echo',
    models: ['echo'],
    createdAtMs: 0,
    report: () => {},
    ...more,
  })

const test = base
  .extend('lane', { scope: 'file' }, async ({}, { onCleanup }) => {
    const lane = await open({ engine: 'echo', slots: 4 })
    onCleanup(() => lane[Symbol.asyncDispose]())
    return lane
  })
  .extend('duplex', { scope: 'file' }, async ({}, { onCleanup }) => {
    const lane = await open({ engine: 'echo-in', slots: 4 })
    onCleanup(() => lane[Symbol.asyncDispose]())
    return lane
  })

const taskOf = (job: Job, more: Partial<LaneTask> = {}): LaneTask => ({
  job,
  from: 0,
  prefix: [],
  credit: 1_000_000,
  inputFrom: 0,
  ...more,
})

const listening = () => new AbortController().signal

/** Reads a run to its end; `heard` is told how far it has come after each batch. */
async function read(run: LaneRun, heard: (position: number) => unknown = () => {}, from = 0) {
  const outputs: Output[] = []
  let position = from
  for await (const batch of run) {
    outputs.push(...batch)
    position += batch.reduce((sum, output) => sum + sizeOf(output), 0)
    await heard(position)
  }
  const ids = outputs.flatMap((output) => (output.kind === 'tokens' ? output.ids : []))
  return { outputs, ids, position }
}

async function firstBatch(run: LaneRun): Promise<readonly Output[]> {
  for await (const batch of run) return batch
  return []
}

const poison = (): Job => ({ ...sampleChat('echo-100-5-0', 'hi'), tenant: POISON })

const echoes = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => echoToken(1, from + i).id)

describe('a lane', () => {
  test('says what it offers', ({ lane, duplex, expect }) => {
    const common = { queue: 'echo', models: ['echo'], slots: 4, free: 4, contextTokens: 0 }
    expect(lane.offering()).toEqual({ ...common, kind: 'chat', stepMs: 0, createdAtMs: 0 })
    expect(duplex.offering()).toMatchObject({ ...common, kind: 'duplex' })
  })

  test('runs a job from any position to its end', async ({ lane, expect }) => {
    for (const from of [0, 1, 199, 200]) {
      const run = lane.run(taskOf(sampleChat('echo-200-0-0', 'hi'), { from }), listening())
      const { ids, outputs } = await read(run)
      expect(ids).toEqual(echoes(from, 200))
      expect(outputs.at(-1)).toMatchObject({ kind: 'end', finish: 'stop' })
    }
  })

  test('never passes its credit, and takes all of it', async ({ lane, expect }) => {
    const run = lane.run(
      taskOf(sampleChat('echo-300-0-0', 'hi'), { from: 7, credit: 10 }),
      listening(),
    )
    let credit = 10
    const grant = async (position: number) => {
      expect(position).toBeLessThanOrEqual(credit)
      // Time to run away in.
      await setTimeout(5)
      credit = position + 13
      run.credit(credit)
      run.credit(3)
    }
    const { ids } = await read(run, grant, 7)
    expect(ids).toEqual(echoes(7, 300))
  })

  test('says no token without credit, only what the prompt has, and its end without any', async ({
    lane,
    expect,
  }) => {
    const run = lane.run(taskOf(sampleChat('echo-20-0-0', 'hi'), { credit: 0 }), listening())
    const first = vi.fn<(position: number) => void>()
    const reading = read(run, first)
    await setTimeout(60)
    expect(first.mock.calls).toEqual([[0]])
    run.credit(20)
    expect((await reading).ids).toEqual(echoes(0, 20))
  })

  test('counts a slot as taken until the thread has freed it', async ({ lane, expect }) => {
    const abort = new AbortController()
    const run = lane.run(taskOf(sampleChat('echo-1000-5-0', 'hi')), abort.signal)
    expect(lane.offering().free).toBe(3)
    const reading = read(run, () => abort.abort())
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
    await vi.waitFor(() => expect(lane.offering().free).toBe(4))
  })

  test('frees the slot of a reader who leaves, and of one who never came', async ({
    lane,
    expect,
  }) => {
    await firstBatch(lane.run(taskOf(sampleChat('echo-1000-5-0', 'hi')), listening()))
    const abort = new AbortController()
    lane.run(taskOf(sampleChat('echo-1000-5-0', 'hi')), abort.signal)
    abort.abort()
    await vi.waitFor(() => expect(lane.offering().free).toBe(4))
  })

  test('does not begin what was cancelled before', async ({ lane, expect }) => {
    const run = lane.run(taskOf(sampleChat('echo-5-0-0', 'hi')), AbortSignal.abort())
    await expect(read(run)).rejects.toMatchObject({ code: 'cancelled' })
    expect(lane.offering().free).toBe(4)
  })

  test('tells what an engine refuses as the engine said it', async ({ lane, expect }) => {
    const run = lane.run(taskOf(sampleChat('no-echo', 'hi')), listening())
    await expect(read(run)).rejects.toMatchObject({
      name: 'Failure',
      code: 'model_not_found',
      message: expect.stringContaining('"no-echo"'),
    })
  })

  test('runs many at once, each alike', async ({ lane, expect }) => {
    const runs = Array.from({ length: 40 }, () =>
      read(lane.run(taskOf(sampleChat('echo-500-0-0', 'hi')), listening())),
    )
    for (const { ids } of await Promise.all(runs)) expect(ids).toEqual(echoes(0, 500))
  })

  test('takes a stream and gives it back, block for block', async ({ duplex, expect }) => {
    const task = taskOf(sampleDuplex('echo-in-0'), { from: 2, inputFrom: 1 })
    const run = duplex.run(task, listening())
    for (const seq of [1, 2, 2, 0, 3])
      run.input({ epoch: 1, seq, kind: 'block', bytes: Uint8Array.of(seq) })
    run.input({ epoch: 1, seq: 4, kind: 'end' })
    const { outputs } = await read(run)
    expect(outputs).toEqual([
      { kind: 'consumed', through: 2 },
      { kind: 'bytes', bytes: Uint8Array.of(2) },
      { kind: 'consumed', through: 3 },
      { kind: 'bytes', bytes: Uint8Array.of(3) },
      { kind: 'consumed', through: 4 },
      { kind: 'end', finish: 'stop', promptTokens: 0, cachedTokens: 0 },
    ])
  })

  test('tells its pace while it runs', async ({ lane, expect }) => {
    const run = read(lane.run(taskOf(sampleChat('echo-10-30-0', 'hi')), listening()))
    await setTimeout(100)
    expect(lane.offering().stepMs).toBe(30)
    await run
  })
})

describe('a thread that dies', () => {
  const entry = new URL('mortal-entry.fixture.ts', import.meta.url)

  test('fails its runs and comes back', async ({ expect }) => {
    const report = vi.fn<(text: string) => void>()
    await using lane = await open({ engine: 'echo', slots: 4 }, { entry, report })
    const runs = [poison(), sampleChat('echo-1000-5-0', 'hi')].map((job) =>
      read(lane.run(taskOf(job), listening())),
    )
    for (const end of await Promise.allSettled(runs))
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'engine_failed' } })
    expect(lane.offering()).toMatchObject({ slots: 4, free: 0 })
    expect(() => lane.run(taskOf(sampleChat('echo-1-0-0', 'hi')), listening())).toThrow(
      expect.objectContaining({ code: 'engine_failed' }),
    )

    await vi.waitFor(() => expect(lane.offering().free).toBe(4), 5000)
    const { ids } = await read(lane.run(taskOf(sampleChat('echo-9-0-0', 'hi')), listening()))
    expect(ids).toEqual(echoes(0, 9))
    expect(report.mock.calls.flat()).toEqual([
      'echo: its thread is gone (worker exited with code: 7), loading it again',
      'echo: loaded again',
    ])
  })

  test('is loaded again and again, and said so, until it can be', async ({ expect }) => {
    const report = vi.fn<(text: string) => void>()
    const verify = vi.fn<() => Promise<void>>().mockResolvedValueOnce()
    verify.mockRejectedValueOnce(new Error('the disk is gone')).mockResolvedValue()
    await using lane = await open({ engine: 'echo', slots: 4 }, { entry, report, verify })
    await expect(read(lane.run(taskOf(poison()), listening()))).rejects.toMatchObject({
      code: 'engine_failed',
    })
    await vi.waitFor(() => expect(lane.offering().free).toBe(4), 5000)
    expect(report).toHaveBeenCalledWith('echo: could not be loaded again: the disk is gone')
    expect(verify).toHaveBeenCalledTimes(3)
  })

  test('before it was ever loaded opens no lane', async ({ expect }) => {
    const verify = vi
      .fn<() => Promise<void>>()
      .mockRejectedValue(new Error('the file is too short'))
    await expect(open({ engine: 'echo', slots: 4 }, { verify })).rejects.toThrow('too short')
  })
})

test('a lane that closes tells its runs', async ({ expect }) => {
  const lane = await open({ engine: 'echo', slots: 4 })
  const run = read(lane.run(taskOf(sampleChat('echo-1000-5-0', 'hi')), listening()))
  await Promise.all([
    expect(run).rejects.toMatchObject({ code: 'unavailable' }),
    lane[Symbol.asyncDispose](),
  ])
})
