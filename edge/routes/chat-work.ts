import type { Calling } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import { messageOf } from '../../proto/openai/chat-message.ts'
import { tellingOf, type ChatRequest } from '../../proto/openai/chat.ts'
import { callingOf } from '../../proto/openai/tools.ts'
import { randomU32 } from '../../proto/random.ts'
import type { Work } from '../admission/admission.ts'
import type { Served } from '../ports.ts'

/** What a request has a model do, one for each of its choices. Everything it left open is fixed: workers continue alike. */
export function worksOf(request: ChatRequest): (served: Served, index: number) => Work {
  const calling = callingOf(request)
  // Choices of a request that names no seed differ all the same; one alone is given its seed where it is admitted.
  const seed = request.seed ?? ((request.n ?? 1) > 1 ? randomU32() : undefined)
  return (served, index) => {
    if (served.kind !== 'duplex')
      return chatWork(request, calling, seed === undefined ? undefined : (seed + index) >>> 0)
    refuseTelling(request)
    return { kind: 'duplex', input: wordsOf(request) }
  }
}

function chatWork(
  request: ChatRequest,
  calling: Calling | undefined,
  seed: number | undefined,
): Work {
  const { format, ...telling } = tellingOf(request)
  return {
    kind: 'chat',
    messages: request.messages.map(messageOf),
    ...(calling && { calling }),
    ...(request.reasoning_effort && { effort: request.reasoning_effort }),
    sampling: {
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      frequencyPenalty: request.frequency_penalty ?? 0,
      presencePenalty: request.presence_penalty ?? 0,
      ...(seed !== undefined && { seed }),
      maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
      stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
      ...telling,
      // An answer that must be calls has no content that could be of a format.
      ...(format && calling?.choice !== 'required' && { format }),
    },
  }
}

/** A model that gives back bytes has no tokens to tell of, and no format to keep. */
function refuseTelling(request: ChatRequest): void {
  const { logprobs, format } = tellingOf(request)
  const param = format ? 'response_format' : logprobs === undefined ? undefined : 'logprobs'
  if (param)
    throw new Failure('invalid', `The model "${request.model}" has no ${param}: leave it out.`, {
      param,
    })
}

/** The last message as a stream of words, for a model that takes its input as one. */
async function* wordsOf(request: ChatRequest): AsyncGenerator<Uint8Array> {
  const utf8 = new TextEncoder()
  const last = request.messages.at(-1)
  for (const word of (last ? messageOf(last).text : '').match(/\S+\s*/g) ?? [])
    yield utf8.encode(word)
}
