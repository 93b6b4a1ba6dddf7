import { Failure } from '../../proto/failure.ts'
import type { ChatMessage } from '../../proto/job.ts'
import { formatOf } from '../../proto/openai/response-format.ts'
import type { ResponseRequest } from '../../proto/openai/responses.ts'
import type { Work } from '../admission/admission.ts'
import type { Served } from '../ports.ts'
import { callingIn } from './calling.ts'
import { logprobsIn } from './response-object.ts'

/** Everything the request left open is fixed here, so that any worker continues alike. */
export function workOf(request: ResponseRequest, messages: ChatMessage[], served: Served): Work {
  if (served.kind !== 'chat')
    throw new Failure('invalid', `The model "${request.model}" has no responses.`, {
      param: 'model',
    })
  const logprobs = logprobsIn(request)
  const format = formatIn(request)
  const calling = callingIn(request)
  const effort = request.reasoning?.effort
  return {
    kind: 'chat',
    messages,
    ...(calling && { calling }),
    ...(effort && { effort }),
    sampling: {
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      ...(typeof request.seed === 'number' && { seed: request.seed >>> 0 }),
      maxTokens: request.max_output_tokens ?? null,
      stop: [],
      ...(logprobs !== undefined && { logprobs }),
      // An answer that must be calls has no text that could be of a format.
      ...(format && calling?.choice !== 'required' && { format }),
    },
  }
}

/** Here the schema lies beside its name, and in a chat one step deeper. */
function formatIn({ text }: ResponseRequest): ReturnType<typeof formatOf> {
  const format = text?.format
  if (format?.type !== 'json_schema') return formatOf(format)
  return formatOf({ type: 'json_schema', json_schema: format })
}
