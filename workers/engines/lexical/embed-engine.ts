import { Failure } from '../../../proto/failure.ts'
import type { Output } from '../../../proto/frame.ts'
import type { EmbedInput } from '../../../proto/job.ts'
import { encodeVector } from '../../../proto/vector.ts'
import type { Engine } from '../engine.ts'
import { sleepUntil } from '../sleep-until.ts'
import { DIMENSIONS, FOLDS, MAX_WORDS, readWords, vectorOf } from './features.ts'

/** Vectors of texts by their words; see features.ts. A token is a word. */
export function lexicalEmbedEngine({ slots = 4 } = {}): Engine {
  return {
    kind: 'embed',
    slots,
    contextTokens: MAX_WORDS,
    stepMs: () => 0,
    run,
    async [Symbol.asyncDispose]() {},
  }
}

async function* run(...[task, signal]: Parameters<Engine['run']>): AsyncGenerator<Output> {
  const { job, from } = task
  if (job.kind !== 'embed')
    throw new Failure('model_not_found', `The model "${job.model}" does no ${job.kind} jobs.`)
  signal.throwIfAborted()
  const { dimensions = DIMENSIONS } = job
  if (!FOLDS.includes(dimensions))
    throw new Failure(
      'invalid',
      `The model "${job.model}" makes vectors of ${FOLDS.join(', ')} dimensions.`,
      { param: 'dimensions' },
    )
  const read: string[][] = []
  for (const [i, input] of job.inputs.entries()) {
    const param = job.inputs.length > 1 ? `input[${i}]` : 'input'
    // Whoever else is served here has a turn between two texts.
    await sleepUntil(0, signal)
    read.push(readWords(textOf(input, param), param))
  }
  const promptTokens = read.reduce((sum, { length }) => sum + length, 0)
  yield { kind: 'prompt', promptTokens, cachedTokens: 0 }
  for (const words of read.slice(from)) {
    await sleepUntil(0, signal)
    yield { kind: 'bytes', bytes: encodeVector(vectorOf(words, dimensions)) }
  }
  yield { kind: 'end', finish: 'stop', promptTokens, cachedTokens: 0 }
}

function textOf(input: EmbedInput, param: string): string {
  if (typeof input === 'string') return input
  throw new Failure('invalid', 'This model reads words and has no tokens: send texts.', { param })
}
