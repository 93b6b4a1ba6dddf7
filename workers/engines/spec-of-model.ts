import type { StoredModel } from '../models/find-models.ts'
import type { EngineSpec } from './engine-spec.ts'
import type { Gpu } from './llama/gpu.ts'

export interface Device {
  gpu: Gpu
  /** CPU threads of each model. */
  threads?: number | undefined
}

/** What a worker loads for a model, as fast as the device goes. */
export function specOf({ manifest, file }: StoredModel, { gpu, threads }: Device) {
  const { id, slots, contextTokens, replay } = manifest
  return {
    engine: 'llama',
    model: id,
    file,
    slots,
    contextTokens,
    replay,
    paceTokensPerSecond: null,
    gpu,
    ...(threads !== undefined && { threads }),
  } satisfies EngineSpec
}
