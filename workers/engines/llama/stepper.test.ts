import { describe, test, vi } from 'vitest'
import type { Draw, NativeContext, NativeSampler } from './bindings.ts'
import { Stepper } from './stepper.ts'

const how: Draw = { temperature: 0, topK: 1, topP: 1, minP: 0, seed: 1 }
const sampler: NativeSampler = { applyConfig: () => {}, dispose: () => {} }

/** A context in which the logits of sequence s are found at 10 + s, and draw token 100 + s. */
function native() {
  const context = {
    initBatch: vi.fn<NativeContext['initBatch']>(),
    addToBatch: vi.fn<NativeContext['addToBatch']>((sequence, _, __, wanted) =>
      Array.from(wanted, () => 10 + sequence),
    ),
    decodeBatch: vi.fn<NativeContext['decodeBatch']>().mockResolvedValue(),
    sampleToken: vi.fn<(logits: number) => Promise<number>>(async (logits) => 90 + logits),
    removeTokenCellsFromSequence: () => true,
    getSequenceKvCacheMinPosition: () => 0,
    disposeSequence: () => {},
  }
  return { context, stepper: new Stepper(context as unknown as NativeContext) }
}

describe('a stepper', () => {
  test('makes one step of what is asked for together', async ({ expect }) => {
    const { context, stepper } = native()
    const drawn = await Promise.all([
      stepper.step({ sequence: 0, at: 5, tokens: [1], draw: { sampler, how } }),
      stepper.step({ sequence: 1, at: 0, tokens: [2, 3] }),
      stepper.step({ sequence: 2, at: 7, tokens: [4, 5], draw: { sampler, how } }),
    ])
    expect(drawn).toEqual([{ token: 100 }, undefined, { token: 102 }])
    expect(context.decodeBatch).toHaveBeenCalledOnce()
    expect(context.initBatch).toHaveBeenCalledExactlyOnceWith(5)
    expect(context.addToBatch.mock.calls.map((call) => [...(call.at(-1) as Uint32Array)])).toEqual([
      [0],
      [],
      [1],
    ])
  })

  test('tells all of a step that failed, and steps again', async ({ expect }) => {
    const { context, stepper } = native()
    context.decodeBatch.mockRejectedValueOnce(new Error('native trouble'))
    const part = { sequence: 0, at: 0, tokens: [1], draw: { sampler, how } }
    const ends = await Promise.allSettled([stepper.step(part), stepper.step(part)])
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await stepper.step(part)).toEqual({ token: 100 })
  })

  test('ends what a grammar makes slow, and nothing else', async ({ expect }) => {
    const { stepper, context } = native()
    const clock = vi.spyOn(performance, 'now')
    let nowMs = 0
    clock.mockImplementation(() => nowMs)
    context.sampleToken.mockImplementation(async () => {
      nowMs += 2001
      return 7
    })
    const part = { sequence: 0, at: 0, tokens: [1] }
    const held = { ...how, grammarEvaluationState: {} }
    await expect(stepper.step({ ...part, draw: { sampler, how: held } })).rejects.toMatchObject({
      code: 'invalid',
      param: 'response_format',
    })
    expect(await stepper.step({ ...part, draw: { sampler, how } })).toEqual({ token: 7 })
    clock.mockRestore()
  })

  test('says nothing of a draw before all are over', async ({ expect }) => {
    const { context, stepper } = native()
    const slow = Promise.withResolvers<number>()
    context.sampleToken.mockReturnValueOnce(slow.promise)
    const part = { at: 0, tokens: [1], draw: { sampler, how } }
    const heard = vi.fn<(drawn: unknown) => void>()
    const both = [0, 1].map(async (sequence) => heard(await stepper.step({ sequence, ...part })))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(heard).not.toHaveBeenCalled()
    slow.resolve(100)
    await Promise.all(both)
    expect(heard.mock.calls).toEqual([[{ token: 100 }], [{ token: 101 }]])
  })
})
