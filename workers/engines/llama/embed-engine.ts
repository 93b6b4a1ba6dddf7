import { Failure } from '../../../proto/failure.ts'
import type { Output } from '../../../proto/frame.ts'
import { encodeVector, normalised } from '../../../proto/vector.ts'
import type { VectorSpec } from '../engine-spec.ts'
import type { Engine } from '../engine.ts'
import { openLlama, step } from './open-llama.ts'
import { eachInTurn, textRules } from './texts.ts'
import { whileItComputes } from './while-it-computes.ts'

/**
 * Vectors of a GGUF model under llama.cpp, one text at a time: the library has one sequence for them, and its jobs take
 * turns by its own lock. Vectors are pooled as the model's file says, and of length 1.
 */
export async function llamaEmbedEngine(spec: VectorSpec): Promise<Engine> {
  const { llama, model } = await openLlama(spec)
  const contextTokens = Math.min(spec.contextTokens, model.trainContextSize)
  const context = await step(spec, `it makes no embeddings of ${contextTokens} tokens`, () =>
    model.createEmbeddingContext({
      contextSize: contextTokens,
      // A text is read in one step, or its first words do not know its last.
      batchSize: contextTokens,
      ...(llama.gpu === false && { threads: spec.threads ?? 1 }),
    }),
  ).catch(async (thrown: unknown) => {
    await llama.dispose()
    throw thrown
  })
  const rules = textRules(model, contextTokens)
  const full = model.embeddingVectorSize
  let stepMs = 0

  async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
    const { job, from } = task
    if (job.kind !== 'embed')
      throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
    signal.throwIfAborted()
    const dimensions = sizeOf(job.dimensions, spec, full)
    const total = job.inputs.length
    const inputs = await eachInTurn(job.inputs, signal, (input, i) => {
      const param = total === 1 ? 'input' : `input[${i}]`
      const tokens = rules.tokenize(input, param)
      const size = context.calculateInputLength([...tokens])
      rules.refuseLong(size, param)
      return { tokens, size }
    })
    const promptTokens = inputs.reduce((sum, { size }) => sum + size, 0)
    yield { kind: 'prompt', promptTokens, cachedTokens: 0 }
    for (const [done, { tokens }] of inputs.entries()) {
      if (done < from) continue
      signal.throwIfAborted()
      const startMs = performance.now()
      const { vector } = yield* whileItComputes(context.getEmbeddingFor([...tokens]), {
        done,
        total,
      })
      stepMs = performance.now() - startMs
      signal.throwIfAborted()
      yield { kind: 'bytes', bytes: encodeVector(normalised(vector.slice(0, dimensions))) }
    }
    yield { kind: 'end', finish: 'stop', promptTokens, cachedTokens: 0 }
  }

  return {
    kind: 'embed',
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

/** How long a vector is to be. Only a model that was trained for it has vectors whose beginning says most. */
function sizeOf(
  asked: number | undefined,
  { model, dimensions }: VectorSpec,
  full: number,
): number {
  if (asked === undefined || asked === full) return full
  if (asked < full && dimensions?.includes(asked)) return asked
  const possible = [...(dimensions ?? []).filter((each) => each < full), full]
  throw new Failure(
    'invalid',
    `The model "${model}" makes vectors of ${possible.join(', ')} dimensions.`,
    { param: 'dimensions' },
  )
}
