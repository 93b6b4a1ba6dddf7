import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp'
import { z } from 'zod'
import type { LlamaSpec } from '../engine-spec.ts'
import { ChatTemplate } from './chat-template.ts'
import { openLlama, step } from './open-llama.ts'

/** Tokens that one step takes at most. */
export const BATCH_TOKENS = 512

export interface OpenModel {
  llama: Llama
  model: LlamaModel
  context: LlamaContext
  template: ChatTemplate
  contextTokens: number
}

/** Brings a model into memory. What it throws names the model and never a path: it may be shown to a caller. */
export async function openModel(spec: LlamaSpec): Promise<OpenModel> {
  const { llama, model } = await openLlama(spec)
  try {
    const contextTokens = Math.min(spec.contextTokens, model.trainContextSize)
    const context = await step(
      spec,
      `no memory for ${spec.slots} slots of ${contextTokens} tokens`,
      () =>
        model.createContext({
          contextSize: contextTokens,
          sequences: spec.slots,
          batchSize: BATCH_TOKENS,
          ...(llama.gpu === false
            ? // More threads than free cores collapse: they spin while they wait for each other.
              { threads: spec.threads ?? 1, flashAttention: false }
            : {
                ...(spec.threads !== undefined && { threads: spec.threads }),
                flashAttention: 'auto',
              }),
        }),
    )
    return { llama, model, context, contextTokens, template: templateOf(spec, model) }
  } catch (thrown) {
    await llama.dispose()
    throw thrown
  }
}

function templateOf(spec: LlamaSpec, model: LlamaModel): ChatTemplate {
  const { data } = z.string().safeParse(model.fileInfo.metadata.tokenizer?.chat_template)
  if (data === undefined)
    throw new Error(`The model "${spec.model}" has no chat template in its file.`)
  const { bosString, eosString } = model.tokens
  const isPlain = (text: string): boolean => {
    const asControl = model.tokenize(text, true)
    const asText = model.tokenize(text, false)
    return asControl.length === asText.length && asControl.every((id, i) => id === asText[i])
  }
  return new ChatTemplate(data, { bos: bosString, eos: eosString, isPlain, calls: spec.calls })
}
