import { setImmediate } from 'node:timers/promises'
import type { LlamaModel, Token } from 'node-llama-cpp'
import { Failure } from '../../../proto/failure.ts'
import type { EmbedInput } from '../../../proto/job.ts'
import { readVocabulary } from './vocabulary.ts'

export interface TextRules {
  /** What it makes of a text, without the tokens that a model puts around it. */
  tokenize: (input: EmbedInput, param: string) => Token[]
  /** Refuses what is longer than the model reads at once. */
  refuseLong: (tokens: number, param: string) => void
}

/** How a model reads texts of at most so many tokens. */
export function textRules(model: LlamaModel, contextTokens: number): TextRules {
  const { size, longestBytes } = readVocabulary(model)
  const refuseLong = (tokens: number, param: string, atLeast = ''): void => {
    if (tokens < contextTokens) return
    throw new Failure(
      'context_too_long',
      `This model reads at most ${contextTokens - 1} tokens at once; '${param}' has ${atLeast}${tokens}. Send it in parts.`,
      { param },
    )
  }
  return {
    refuseLong,
    tokenize(input, param) {
      if (typeof input !== 'string') return known(input, size, param)
      // A text of megabytes must not cost what its tokens would.
      refuseLong(Math.ceil(Buffer.byteLength(input.trim()) / longestBytes), param, 'at least ')
      return [...model.tokenize(input, false)]
    },
  }
}

function known(ids: readonly number[], size: number, param: string): Token[] {
  const unknown = ids.find((id) => id >= size)
  if (unknown === undefined) return [...ids] as Token[]
  throw new Failure('invalid', `'${param}' has the token ${unknown}; this model has ${size}.`, {
    param,
  })
}

/** Does one after the other, and others have a turn between. */
export async function eachInTurn<T, R>(
  all: readonly T[],
  signal: AbortSignal,
  make: (each: T, i: number) => R,
): Promise<R[]> {
  const made: R[] = []
  for (const [i, each] of all.entries()) {
    await setImmediate()
    signal.throwIfAborted()
    made.push(make(each, i))
  }
  return made
}
