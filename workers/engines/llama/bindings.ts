import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp'

/** How one token is chosen, as llama.cpp's sampler chain takes it. */
export interface Draw {
  temperature: number
  topK: number
  topP: number
  minP: number
  seed: number
  repeatPenaltyTokens?: Uint32Array
  repeatPenaltyMaxTokens?: number
  repeatPenalty?: number
  repeatPenaltyFrequencyPenalty?: number
  repeatPenaltyPresencePenalty?: number
}

export interface NativeSampler {
  applyConfig(draw: Draw): void
  dispose(): void
}

export interface NativeContext {
  initBatch(tokens: number): void
  /** Answers where the logits of `wanted` tokens will be. */
  addToBatch(
    sequence: number,
    at: number,
    tokens: Uint32Array,
    wanted: Uint32Array,
  ): ArrayLike<number>
  decodeBatch(): Promise<void>
  sampleToken(logits: number, sampler: NativeSampler): Promise<number>
  removeTokenCellsFromSequence(sequence: number, start: number, end: number): boolean
  getSequenceKvCacheMinPosition(sequence: number): number
  disposeSequence(sequence: number): void
}

export interface Bindings {
  context: NativeContext
  newSampler: () => NativeSampler
}

/**
 * The library's own native calls, below its sequences. Those make a new sampler for every token that is drawn with a
 * seed of its own, and each keeps a copy of the vocabulary until the garbage collector comes: gigabytes, with a large
 * one. They also shift a full context in silence. The library is pinned to one exact version for this file.
 */
export function bindingsOf(llama: Llama, model: LlamaModel, context: LlamaContext): Bindings {
  const native = Reflect.get(context, '_ctx') as NativeContext | undefined
  const { AddonSampler } = Reflect.get(llama, '_bindings') as Native
  const handle: unknown = Reflect.get(model, '_model')
  if (typeof native?.decodeBatch !== 'function' || typeof AddonSampler !== 'function' || !handle)
    throw new Error('This version of node-llama-cpp is not the one that June was built for.')
  return { context: native, newSampler: () => new AddonSampler(handle) }
}

interface Native {
  AddonSampler: new (model: unknown) => NativeSampler
}
