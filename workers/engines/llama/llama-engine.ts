import type { Token } from 'node-llama-cpp'
import { Failure } from '../../../proto/failure.ts'
import type { Output } from '../../../proto/frame.ts'
import type { ChatJob } from '../../../proto/job.ts'
import type { LlamaSpec } from '../engine-spec.ts'
import type { Engine } from '../engine.ts'
import { Answer } from './answer.ts'
import { bindingsOf } from './bindings.ts'
import { Gang } from './gang.ts'
import { BarredTokens } from './grammar/barred-tokens.ts'
import { Constraint, heldBy } from './grammar/constraint.ts'
import { scoreOf } from './likely.ts'
import { BATCH_TOKENS, openModel } from './open-model.ts'
import { LAST_MARK, withMarks } from './marks.ts'
import { Pacer } from './pacer.ts'
import { promptOf } from './prompt.ts'
import { ReadingRate } from './reading-rate.ts'
import { Slot } from './slot.ts'
import { Stepper } from './stepper.ts'
import { Stream } from './stream.ts'
import { readVocabulary } from './vocabulary.ts'
import { warmUp } from './warm-up.ts'

/** A GGUF model under llama.cpp: one context, a slot for each of its streams, all stepping together. */
export async function llamaEngine(spec: LlamaSpec): Promise<Engine> {
  const { llama, model, context, template, contextTokens } = await openModel(spec)
  const vocabulary = readVocabulary(model)
  const { dialect } = template
  const { longestBytes, spacePrefix } = vocabulary
  const pieceOf = withMarks(vocabulary, dialect.calls)
  const { replay, slots, cold = false } = spec
  const exact = replay === 'one-by-one'
  const rate = new ReadingRate(BATCH_TOKENS)
  const pacer = new Pacer(spec.paceTokensPerSecond)
  const bindings = bindingsOf(llama, model, context)
  const stepper = new Stepper(bindings.context)
  const places = Array.from({ length: slots }, (_, i) => new Slot(i, stepper, bindings))
  const gang = new Gang({
    slots: places,
    pacer,
    rate,
    exact,
    cold,
    scoreOf: (likely) => scoreOf(likely, vocabulary),
    // The thread dies of it, safely between two steps, and its owner makes another.
    broken: (cause) =>
      setImmediate(() => {
        throw cause
      }),
  })
  const rules = { model, template, contextTokens, longestBytes, spacePrefix }
  const isEnd = (id: number): boolean => model.isEogToken(id as Token)
  const barred = new BarredTokens({ ...vocabulary, isEnd })

  function answerTo(
    { sampling, calling }: ChatJob,
    prompt: readonly number[],
    prefix: readonly number[],
  ): Answer {
    const limit = Math.min(sampling.maxTokens ?? Infinity, contextTokens - prompt.length)
    // Where one call is wanted at most, what would be the next is not made.
    const lastMark = calling && !calling.parallel ? LAST_MARK[dialect.calls] : undefined
    const answer = new Answer({ pieceOf, isEnd, stop: sampling.stop, lastMark, limit })
    for (const id of prefix) answer.take(id)
    return answer
  }

  async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
    const { job, prefix } = task
    if (job.kind !== 'chat')
      throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
    signal.throwIfAborted()
    const prompt = await promptOf(job, rules, signal)
    if (job.sampling.maxTokens === 0) {
      yield { kind: 'end', finish: 'length', promptTokens: prompt.length, cachedTokens: 0 }
      return
    }
    refuseUnknownTokens(job, vocabulary.size)
    const answer = answerTo(job, prompt, prefix)
    if (answer.finish) {
      // All but the end was said before: there is nothing to compute.
      yield {
        kind: 'end',
        finish: answer.finish,
        promptTokens: prompt.length,
        cachedTokens: 0,
        ...answer.ending,
      }
      return
    }
    const { sampling } = job
    const held = heldBy(job, dialect.calls)
    const constraint = held && new Constraint(held, { bindings, pieceOf, isEnd, barred })
    for (const id of prefix) constraint?.replay(id)
    const stream = new Stream({ prompt, answer, exact, sampling, constraint }, () => gang.wake())
    gang.join(stream)
    yield* stream.outputs(signal)
  }

  const engine: Engine = {
    kind: 'chat',
    slots,
    contextTokens,
    dialect,
    stepMs: () => gang.stepMs,
    run,
    async [Symbol.asyncDispose]() {
      await gang.close()
      for (const place of places) place.dispose()
      // One by one: the library holds its contexts weakly, and waits for ever for one that was collected.
      await context.dispose()
      await model.dispose()
      await llama.dispose()
    },
  }
  try {
    await warmUp(engine)
  } catch (thrown) {
    await engine[Symbol.asyncDispose]()
    throw thrown
  }
  return engine
}

function refuseUnknownTokens({ sampling: { logitBias = [] } }: ChatJob, size: number): void {
  const unknown = logitBias.find(([id]) => id >= size)
  if (!unknown) return
  throw new Failure(
    'invalid',
    `This model has no token ${unknown[0]}: its ids are 0 to ${size - 1}.`,
    { param: 'logit_bias' },
  )
}
