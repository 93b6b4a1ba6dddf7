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
  /** Moved on by every token that is drawn with it. */
  grammarEvaluationState?: NativeGrammar
  /** Added to the logits of these tokens. */
  tokenBiasKeys?: Uint32Array
  tokenBiasValues?: Float32Array
}

/** How far a text has come through a grammar. */
export type NativeGrammar = object & { readonly __grammar?: never }

export interface NativeSampler {
  applyConfig(draw: Draw | Pick<Draw, 'temperature'>): void
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
  /** Also tells logits, as pairs of a token and its own, and the sum over all tokens of e^(logit - highest). */
  sampleToken(
    logits: number,
    sampler: NativeSampler,
    probabilities: false,
    confidence: false,
    told: readonly [
      tokens: readonly number[],
      highest: boolean,
      lowest: boolean,
      drawn: boolean,
      top: number,
    ],
    weight: true,
  ): Promise<[token: number, unknown, unknown, logits?: number[], weight?: number]>
  removeTokenCellsFromSequence(sequence: number, start: number, end: number): boolean
  getSequenceKvCacheMinPosition(sequence: number): number
  disposeSequence(sequence: number): void
}

export interface Bindings {
  context: NativeContext
  newSampler: () => NativeSampler
  /** Throws where llama.cpp cannot read the GBNF. */
  newGrammar: (gbnf: string) => NativeGrammar
  /** Moves a grammar on by a token. Throws where it does not allow it. */
  accept: (grammar: NativeGrammar, token: number) => void
}

/**
 * The library's own native calls, below its sequences. Those make a new sampler for every token that is drawn with a
 * seed of its own, and each keeps a copy of the vocabulary until the garbage collector comes: gigabytes, with a large
 * one. They also shift a full context in silence. The library is pinned to one exact version for this file.
 */
export function bindingsOf(llama: Llama, model: LlamaModel, context: LlamaContext): Bindings {
  const native = Reflect.get(context, '_ctx') as NativeContext | undefined
  const addon = Reflect.get(llama, '_bindings') as Native
  const { AddonSampler, AddonGrammar, AddonGrammarEvaluationState } = addon
  const handle: unknown = Reflect.get(model, '_model')
  const classes = [AddonSampler, AddonGrammar, AddonGrammarEvaluationState]
  if (
    typeof native?.decodeBatch !== 'function' ||
    classes.some((each) => typeof each !== 'function') ||
    !handle
  )
    throw new Error('This version of node-llama-cpp is not the one that June was built for.')
  return {
    context: native,
    newSampler: () => new AddonSampler(handle),
    newGrammar: (gbnf) => {
      const grammar = new AddonGrammar(gbnf, { addonExports: addon, rootRuleName: 'root' })
      return new AddonGrammarEvaluationState(handle, grammar)
    },
    accept: (grammar, token) => AddonSampler.acceptGrammarEvaluationStateToken(grammar, token),
  }
}

interface Native {
  AddonSampler: (new (model: unknown) => NativeSampler) & {
    acceptGrammarEvaluationStateToken: (grammar: NativeGrammar, token: number) => void
  }
  AddonGrammar: new (
    gbnf: string,
    options: { addonExports: unknown; rootRuleName: string },
  ) => object
  AddonGrammarEvaluationState: new (model: unknown, grammar: object) => NativeGrammar
}
