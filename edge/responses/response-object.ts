import type { JobId } from '../../proto/ids.ts'
import {
  LOGPROBS,
  type ResponseObject,
  type ResponseRequest,
  type ResponseSettings,
} from '../../proto/openai/responses.ts'
import { TIERS } from '../../proto/openai/service-tier.ts'
import { responseIdOf } from '../../proto/stored-response.ts'

/** What of a request every view of its response says again, with what it left open. */
export const settingsOf = (request: ResponseRequest): ResponseSettings => ({
  model: request.model,
  background: request.background ?? false,
  instructions: request.instructions ?? null,
  max_output_tokens: request.max_output_tokens ?? null,
  max_tool_calls: request.max_tool_calls ?? null,
  metadata: request.metadata ?? {},
  parallel_tool_calls: request.parallel_tool_calls ?? true,
  previous_response_id: request.previous_response_id ?? null,
  prompt_cache_key: request.prompt_cache_key ?? null,
  reasoning: {
    effort: request.reasoning?.effort ?? null,
    summary: request.reasoning?.summary ?? null,
  },
  safety_identifier: request.safety_identifier ?? null,
  service_tier: TIERS[request.service_tier ?? 'default'].told,
  store: request.store ?? true,
  temperature: request.temperature ?? 1,
  text: {
    format: request.text?.format ?? { type: 'text' },
    verbosity: request.text?.verbosity ?? 'medium',
  },
  tool_choice: request.tool_choice ?? 'auto',
  tools: (request.tools ?? []).map(({ name, description, parameters, strict }) => ({
    type: 'function',
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? false,
  })),
  top_logprobs: request.top_logprobs ?? 0,
  top_p: request.top_p ?? 1,
  truncation: 'disabled',
  ...(request.user && { user: request.user }),
})

/** How likely each token was is told where it was asked for: then, of so many of the likeliest. */
export const logprobsIn = ({ include, top_logprobs: top }: ResponseRequest): number | undefined =>
  include?.includes(LOGPROBS) === true ? (top ?? 0) : undefined

/** A response that nothing is known of yet but what was asked. */
export const responseAt = (
  status: 'queued' | 'in_progress',
  { id, createdAtMs, settings }: { id: JobId; createdAtMs: number; settings: ResponseSettings },
): ResponseObject => ({
  id: responseIdOf(id),
  object: 'response',
  created_at: Math.floor(createdAtMs / 1000),
  status,
  error: null,
  incomplete_details: null,
  output: [],
  ...settings,
})
