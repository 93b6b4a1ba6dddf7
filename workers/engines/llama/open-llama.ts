import { getLlama, LlamaLogLevel, type Llama, type LlamaModel } from 'node-llama-cpp'
import type { Gpu } from './gpu.ts'

const GPUS: Record<Gpu, 'auto' | 'cuda' | false> = { cpu: false, cuda: 'cuda', auto: 'auto' }

export interface Loading {
  model: string
  file: string
  gpu: Gpu
}

/** A GGUF in memory. What it throws names the model and never a path: it may be shown to a caller. */
export async function openLlama(spec: Loading): Promise<{ llama: Llama; model: LlamaModel }> {
  const llama = await step(spec, `no llama.cpp for "${spec.gpu}" on this machine`, () =>
    getLlama({
      gpu: GPUS[spec.gpu],
      // A worker neither downloads nor compiles: what it runs is what was installed.
      build: 'never',
      skipDownload: true,
      logLevel: LlamaLogLevel.error,
      logger: () => {},
      maxThreads: 0,
    }),
  )
  try {
    const model = await step(spec, 'its file is no model that llama.cpp can read', () =>
      llama.loadModel({ modelPath: spec.file }),
    )
    return { llama, model }
  } catch (thrown) {
    await llama.dispose()
    throw thrown
  }
}

/** One thing that loading takes, and what it means where it fails. */
export async function step<T>(
  { model }: Pick<Loading, 'model'>,
  failure: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new Error(`The model "${model}" could not be loaded: ${failure}.`, { cause })
  }
}
