import type { StoredModel } from '../models/find-models.ts'
import type { ChatManifest } from '../models/manifest.ts'
import type { EngineSpec, LlamaSpec } from './engine-spec.ts'
import type { Gpu } from './llama/gpu.ts'

export interface Device {
  gpu: Gpu
  /** CPU threads of each model. */
  threads?: number | undefined
}

/** What a worker loads for a model, as fast as the device goes. */
export function specOf({ manifest, file }: StoredModel, device: Device): EngineSpec {
  if (manifest.kind === 'chat') return chatSpecOf({ manifest, file }, device)
  const { id, slots, contextTokens } = manifest
  const common = { model: id, file, slots, contextTokens, ...placed(device) }
  if (manifest.kind === 'rerank') return { engine: 'llama-rerank', ...common }
  const { dimensions } = manifest
  return { engine: 'llama-embed', ...common, ...(dimensions && { dimensions }) }
}

export function chatSpecOf(
  { manifest, file }: { manifest: ChatManifest; file: string },
  device: Device,
): { engine: 'llama' } & LlamaSpec {
  const { id, slots, contextTokens, replay, calls } = manifest
  return {
    engine: 'llama',
    model: id,
    file,
    slots,
    contextTokens,
    replay,
    paceTokensPerSecond: null,
    ...placed(device),
    ...(calls && { calls }),
  }
}

const placed = ({ gpu, threads }: Device): { gpu: Gpu; threads?: number } => ({
  gpu,
  ...(threads !== undefined && { threads }),
})
