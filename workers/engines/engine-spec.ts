import type { Gpu } from './llama/gpu.ts'
import type { Replay } from './replay.ts'

/** What a thread loads, as data: it crosses into the thread. */
export type EngineSpec =
  | { engine: 'echo'; slots: number }
  | { engine: 'echo-in'; slots: number }
  | ({ engine: 'llama' } & LlamaSpec)

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
  /** Slots keep nothing for the next answer: whoever compares takeovers must not meet what he took over. */
  cold?: boolean
  gpu: Gpu
  /** CPU threads that compute; by default 1 without a GPU, and the library's choice with one. */
  threads?: number
}
