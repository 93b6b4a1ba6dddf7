import { Failure } from '../../../proto/failure.ts'
import type { Output } from '../../../proto/frame.ts'
import { encodeVector } from '../../../proto/vector.ts'
import type { VectorSpec } from '../engine-spec.ts'
import type { Engine } from '../engine.ts'
import { openLlama, step } from './open-llama.ts'
import { eachInTurn, textRules } from './texts.ts'
import { whileItComputes } from './while-it-computes.ts'

/**
 * Scores of a GGUF model that reads a query and a document together (a cross-encoder) under llama.cpp, one document at
 * a time, each from 0 to 1. The query is read, and counted, with every document.
 */
export async function llamaRerankEngine(spec: VectorSpec): Promise<Engine> {
  const { llama, model } = await openLlama(spec)
  const contextTokens = Math.min(spec.contextTokens, model.trainContextSize)
  const context = await step(spec, 'it is no model that ranks', () =>
    model.createRankingContext({
      contextSize: contextTokens,
      batchSize: contextTokens,
      ...(llama.gpu === false && { threads: spec.threads ?? 1 }),
    }),
  ).catch(async (thrown: unknown) => {
    await llama.dispose()
    throw thrown
  })
  const rules = textRules(model, contextTokens)
  let stepMs = 0

  async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
    const { job, from } = task
    if (job.kind !== 'rerank')
      throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
    signal.throwIfAborted()
    const query = rules.tokenize(job.query, 'query')
    rules.refuseLong(context.calculateInputLength([...query], []), 'query')
    const documents = await eachInTurn(job.documents, signal, (text, i) => {
      const param = `documents[${i}]`
      const tokens = rules.tokenize(text, param)
      const size = context.calculateInputLength([...query], [...tokens])
      rules.refuseLong(size, param)
      return { tokens, size }
    })
    const total = documents.length
    const promptTokens = documents.reduce((sum, { size }) => sum + size, 0)
    yield { kind: 'prompt', promptTokens, cachedTokens: 0 }
    for (const [done, { tokens }] of documents.entries()) {
      if (done < from) continue
      signal.throwIfAborted()
      const startMs = performance.now()
      const score = yield* whileItComputes(context.rank([...query], [...tokens]), { done, total })
      stepMs = performance.now() - startMs
      signal.throwIfAborted()
      yield { kind: 'bytes', bytes: encodeVector([score]) }
    }
    yield { kind: 'end', finish: 'stop', promptTokens, cachedTokens: 0 }
  }

  return {
    kind: 'rerank',
    slots: spec.slots,
    contextTokens,
    stepMs: () => stepMs,
    run,
    async [Symbol.asyncDispose]() {
      await context.dispose()
      await model.dispose()
      await llama.dispose()
    },
  }
}
