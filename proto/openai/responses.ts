import { z } from 'zod'
import { EndCode } from '../frame.ts'
import { Effort, MAX_TOP_LOGPROBS } from '../job.ts'
import { EndUser } from './end-user.ts'
import { isEmptyList, listOf, unsupported } from './fields.ts'
import { JsonSchema } from './response-format.ts'
import { FlatTools, MAX_TOOLS } from './tools.ts'
import { Metadata } from './metadata.ts'
import { ServiceTier, ToldTier } from './service-tier.ts'
import { ItemResource, OutputItem, ResponseInput } from './response-items.ts'

const Include = z.enum([
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
])

/** What asks for log probabilities. */
export const LOGPROBS: z.infer<typeof Include> = 'message.output_text.logprobs'

const ToolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.object({ type: z.literal('function'), name: z.string() }),
    z.object({
      type: z.literal('allowed_tools'),
      mode: z.enum(['auto', 'required']),
      tools: listOf(z.object({ type: z.literal('function'), name: z.string() }), MAX_TOOLS),
    }),
  ],
  {
    error:
      'It must be "none", "auto", "required", {"type":"function","name":…} or {"type":"allowed_tools",…}.',
  },
)

const TextFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    JsonSchema.extend({ type: z.literal('json_schema') }),
  ],
  { error: 'It must be {"type":"text"}, {"type":"json_object"} or {"type":"json_schema",…}.' },
)

/**
 * What `POST /v1/responses` takes. Fields that OpenAI knows and that change nothing here are ignored; those that would
 * change the answer and cannot be honoured are refused by name.
 */
export const ResponseRequest = z
  .object({
    model: z.string().min(1).max(200),
    input: ResponseInput,
    instructions: z.string().nullish(),
    previous_response_id: z.string().max(200).nullish(),
    store: z.boolean().nullish(),
    background: z.boolean().nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).nullish(),
    max_output_tokens: z.int().positive().nullish(),
    max_tool_calls: z.int().nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_logprobs: z.int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
    include: listOf(Include, 32).nullish(),
    tools: FlatTools,
    tool_choice: ToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    text: z
      .object({
        format: TextFormat.nullish(),
        verbosity: z.enum(['low', 'medium', 'high']).nullish(),
      })
      .nullish(),
    reasoning: z
      .object({
        effort: Effort.nullish(),
        summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      })
      .nullish(),
    /** `auto` may be asked for: a conversation that is too long is refused all the same, and never cut. */
    truncation: z.enum(['auto', 'disabled']).nullish(),
    metadata: Metadata.nullish(),
    service_tier: ServiceTier.nullish(),
    ...EndUser.shape,
    prompt_cache_key: z.string().nullish(),
    /** Not OpenAI's: the same seed, the same answer. */
    seed: z.int().nullish(),
    conversation: unsupported(isEmptyList, 'chain responses with previous_response_id'),
    prompt: unsupported(isEmptyList, 'send its text as instructions and input'),
    context_management: unsupported(isEmptyList, 'leave it out'),
    moderation: unsupported(isEmptyList, 'leave it out'),
  })
  .refine(({ background, store }) => background !== true || store !== false, {
    path: ['background'],
    error: 'It needs "store": true: who comes back for the answer must find it.',
  })
  .refine(({ include, top_logprobs: top }) => !top || include?.includes(LOGPROBS) === true, {
    path: ['top_logprobs'],
    error: `It needs "include": ["${LOGPROBS}"] beside it.`,
  })
export type ResponseRequest = z.infer<typeof ResponseRequest>

export const ResponseUsage = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ cached_tokens: z.int(), cache_write_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.object({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
})

/** What of its request every view of a response says again. */
export const ResponseSettings = z.object({
  model: z.string(),
  background: z.boolean(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  metadata: z.record(z.string(), z.string()),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  reasoning: z.object({ effort: z.string().nullable(), summary: z.string().nullable() }),
  safety_identifier: z.string().nullable(),
  service_tier: ToldTier,
  store: z.boolean(),
  temperature: z.number(),
  text: z.object({ format: z.looseObject({ type: z.string() }), verbosity: z.string() }),
  tool_choice: ToolChoice,
  tools: z.array(
    z.object({
      type: z.literal('function'),
      name: z.string(),
      description: z.string().nullable(),
      parameters: z.unknown(),
      strict: z.boolean(),
    }),
  ),
  top_logprobs: z.int(),
  top_p: z.number(),
  truncation: z.literal('disabled'),
  user: z.string().optional(),
})
export type ResponseSettings = z.infer<typeof ResponseSettings>

export const ResponseStatus = z.enum([
  'queued',
  'in_progress',
  'completed',
  'incomplete',
  'failed',
  'cancelled',
])
export type ResponseStatus = z.infer<typeof ResponseStatus>

/** A response, at any moment of its life. */
export const ResponseObject = ResponseSettings.extend({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  status: ResponseStatus,
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z
    .object({
      reason: z.literal('max_output_tokens'),
      /** Where it was not the request that set the bound: there was no more money. */
      code: EndCode.optional(),
    })
    .nullable(),
  output: z.array(OutputItem),
  /** Once it is over. */
  usage: ResponseUsage.optional(),
})
export type ResponseObject = z.infer<typeof ResponseObject>

export const ItemList = z.object({
  object: z.literal('list'),
  data: z.array(ItemResource),
  has_more: z.boolean(),
  first_id: z.string(),
  last_id: z.string(),
})

export const DeletedResponse = z.object({
  id: z.string(),
  object: z.literal('response'),
  deleted: z.literal(true),
})
