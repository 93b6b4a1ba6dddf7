import { fileURLToPath } from 'node:url'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { describe, test as base } from 'vitest'
import { bindingsOf } from './bindings.ts'
import { Slot } from './slot.ts'
import { Stepper } from './stepper.ts'

const MODEL = new URL('../../../models/june-chat/june-chat-2M-Q8_0.gguf', import.meta.url)
const GREEDY = { temperature: 0, topK: 40, topP: 1, minP: 0, seed: 0 }
const hot = (seed: number) => ({ ...GREEDY, temperature: 2, seed })

/** A real context with one slot. */
const test = base.extend('slot', { scope: 'file' }, async ({}, { onCleanup }) => {
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    maxThreads: 0,
  })
  onCleanup(() => llama.dispose())
  const model = await llama.loadModel({ modelPath: fileURLToPath(MODEL) })
  const context = await model.createContext({ contextSize: 256, threads: 1, flashAttention: false })
  const bindings = bindingsOf(llama, model, context)
  return new Slot(0, new Stepper(bindings.context), bindings)
})

const prompt = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 500))

describe('a slot', () => {
  test('shares what was read, and drawn only where rounding does not matter', async ({
    slot,
    expect,
  }) => {
    slot.reset()
    await slot.read(prompt.slice(0, 30))
    const { token: drawn } = await slot.draw(prompt.slice(30), GREEDY)
    await slot.draw([drawn], GREEDY)
    const next = [...prompt, drawn, 7]
    expect(slot.shares(next, false)).toBe(41)
    expect(slot.shares(next, true)).toBe(40)
    expect(slot.shares([...prompt.slice(0, 1), 1, 2], true)).toBe(1)
    expect(slot.keep(20)).toBe(20)
    expect(slot.shares(next, false)).toBe(20)
    expect(slot.shares(next, true)).toBe(20)
  })

  test('draws the same whatever it did before', async ({ slot, expect }) => {
    for (let seed = 0; seed < 20; seed++) {
      slot.reset()
      const { token: first } = await slot.draw(prompt, hot(seed))
      await slot.draw([first], hot(seed + 1000))
      for (const kept of [0, 11, 38]) {
        slot.keep(kept)
        // From the second on with the very seed of the last draw, where a sampler would go on instead.
        expect(await slot.draw(prompt.slice(kept), hot(seed))).toMatchObject({ token: first })
      }
    }
  })

  test('works again after a step that failed', async ({ slot, expect }) => {
    slot.reset()
    const { token: first } = await slot.draw(prompt, GREEDY)
    await expect(slot.draw([1_000_000], GREEDY)).rejects.toThrow()
    slot.reset()
    expect(slot.shares(prompt, false)).toBe(0)
    expect(await slot.draw(prompt, GREEDY)).toMatchObject({ token: first })
  })
})
