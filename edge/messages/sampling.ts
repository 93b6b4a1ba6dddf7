import type { MessagesRequest } from '../../proto/anthropic/messages.ts'
import type { Sampling } from '../../proto/job.ts'

/** Everything the request left open is fixed here, so that any worker continues alike. */
export const samplingOf = (request: MessagesRequest): Omit<Sampling, 'seed'> => ({
  temperature: request.temperature ?? 1,
  topP: request.top_p ?? 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  maxTokens: request.max_tokens,
  stop: request.stop_sequences ?? [],
})

/** Of a prompt that is only counted. */
export const COUNTING: Sampling = {
  temperature: 0,
  topP: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  seed: 0,
  maxTokens: 0,
  stop: [],
}
