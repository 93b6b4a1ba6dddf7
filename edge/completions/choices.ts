import { Failure } from '../../proto/failure.ts'
import type { CompletionRequest } from '../../proto/openai/completions.ts'
import { endUserOf } from '../../proto/openai/end-user.ts'
import { biasOf } from '../../proto/openai/logit-bias.ts'
import { randomU32 } from '../../proto/random.ts'
import type { Admit, Admitted, Work } from '../admission/admission.ts'
import type { Asker } from '../admission/asker.ts'
import { nthAsker } from '../admission/nth-asker.ts'
import type { Served } from '../ports.ts'

/** One of the answers to a request, which is a job of its own. */
export interface Choice extends Admitted {
  index: number
  /** What is said before it, where the caller wants its prompt back. */
  echo: string
  /** It is the first of its prompt, which is counted once. */
  counts: boolean
}

/** Admits a job for each choice: prompt after prompt, and `n` of each. One that is refused ends them all. */
export async function choicesOf(
  admit: Admit,
  asker: Asker,
  { request, hangup }: { request: CompletionRequest; hangup: AbortController },
): Promise<Choice[]> {
  const prompts = typeof request.prompt === 'string' ? [request.prompt] : request.prompt
  const n = request.n ?? 1
  // Answers of one prompt must not all be the same one; a single answer may be an old one, where nobody said a seed.
  const seed = request.seed ?? (n > 1 ? randomU32() : undefined)
  const wanted = prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, k) => ({ prompt, index: p * n + k, counts: k === 0 })),
  )
  try {
    return await Promise.all(
      wanted.map(async ({ prompt, index, counts }) => {
        const admitted = await admit(nthAsker(asker, index), {
          model: request.model,
          includeUsage: request.stream_options?.include_usage ?? false,
          user: endUserOf(request),
          reading: { told: 'completion' },
          work: (served) =>
            workOf(request, served, {
              prompt,
              ...(seed !== undefined && { seed: (seed + index) >>> 0 }),
            }),
        })
        return { ...admitted, index, counts, echo: request.echo ? prompt : '' }
      }),
    )
  } catch (thrown) {
    hangup.abort()
    throw thrown
  }
}

/** Everything the request left open is fixed here, so that any worker continues alike. */
function workOf(
  request: CompletionRequest,
  served: Served,
  { prompt, seed }: { prompt: string; seed?: number },
): Work {
  if (served.kind !== 'chat')
    throw new Failure('invalid', `The model "${request.model}" has no completions.`, {
      param: 'model',
    })
  const logitBias = biasOf(request.logit_bias)
  return {
    kind: 'chat',
    messages: [],
    prompt,
    sampling: {
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      frequencyPenalty: request.frequency_penalty ?? 0,
      presencePenalty: request.presence_penalty ?? 0,
      ...(seed !== undefined && { seed }),
      maxTokens: request.max_tokens,
      stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
      ...(logitBias && { logitBias }),
      ...(request.logprobs != null && { logprobs: request.logprobs }),
    },
  }
}
