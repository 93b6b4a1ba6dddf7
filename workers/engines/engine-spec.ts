import type { CallSyntax } from '../../proto/calling.ts'
import type { Gpu } from './llama/gpu.ts'
import type { Replay } from './replay.ts'

/** What a thread loads, as data: it crosses into the thread. */
export type EngineSpec =
  | { engine: 'echo'; slots: number }
  | { engine: 'echo-in'; slots: number }
  | ({ engine: 'llama' } & LlamaSpec)
  | ({ engine: 'llama-embed' } & VectorSpec)
  | ({ engine: 'llama-rerank' } & VectorSpec)
  | { engine: 'lexical-embed'; slots: number }
  | { engine: 'lexical-rerank'; slots: number }

export interface LlamaSpec {
  /** For messages: the id clients know. */
  model: string
  /** Path of the GGUF. */
  file: string
  slots: number
  /** Tokens of prompt and answer together; the file's own limit holds where it is lower. */
  contextTokens: number
  /** Tokens a second of each stream, `null` for as fast as it goes. */
  paceTokensPerSecond: number | null
  replay: Replay
  /** How the model calls functions; by default as its chat template shows. */
  calls?: CallSyntax
  /** Slots keep nothing for the next answer: whoever compares takeovers must not meet what he took over. */
  cold?: boolean
  gpu: Gpu
  /** CPU threads that compute; by default 1 without a GPU, and the library's choice with one. */
  threads?: number
}

/** A model that makes vectors or scores of texts. */
export interface VectorSpec {
  model: string
  file: string
  /** Jobs at once. They take turns, a text at a time. */
  slots: number
  /** Tokens of one text, or of a query and one document. */
  contextTokens: number
  /** Vectors may be cut to these lengths: the model was trained so that what comes first says most (Matryoshka). */
  dimensions?: readonly number[]
  gpu: Gpu
  threads?: number
}
