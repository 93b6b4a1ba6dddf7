import { fileURLToPath } from 'node:url'
import type { ChatJob, Sampling } from '../../../proto/job.ts'
import type { LlamaSpec } from '../engine-spec.ts'
import type { Task } from '../engine.ts'
import { sampleChat } from '../sample-jobs.ts'

/** The built-in model, as fast as it goes. */
export const juneChat: LlamaSpec = {
  model: 'june-chat',
  file: fileURLToPath(new URL('../../../models/june-chat/june-chat-2M-Q8_0.gguf', import.meta.url)),
  slots: 4,
  contextTokens: 1024,
  paceTokensPerSecond: null,
  replay: 'one-by-one',
  gpu: 'cpu',
}

export const taskOf = (job: ChatJob, prefix: readonly number[] = []): Task => ({
  job,
  from: prefix.length,
  prefix,
  input: (async function* () {})(),
})

export const ask = (text: string, sampling: Partial<Sampling> = {}): ChatJob =>
  sampleChat('june-chat', text, { maxTokens: 48, ...sampling })
