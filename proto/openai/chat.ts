import { z } from 'zod'
import { Effort, MAX_TOP_LOGPROBS, type Sampling } from '../job.ts'
import { EndCode } from '../frame.ts'
import { ChatRequestMessages } from './chat-message.ts'
import { EndUser } from './end-user.ts'
import { atMost, isEmptyList, unsupported } from './fields.ts'
import { formatOf, ResponseFormat } from './response-format.ts'
import { biasOf, LogitBias } from './logit-bias.ts'
import { ServiceTier, ToldTier } from './service-tier.ts'
import { ToolChoice, Tools } from './tools.ts'

const MAX_STOPS = 4
/** Each is a job of its own. */
export const MAX_CHOICES = 16

/**
 * What `POST /v1/chat/completions` takes. Fields that OpenAI knows and that change nothing here are ignored; those
 * that would change the answer and cannot be honoured yet are refused by name.
 */
export const ChatRequest = z
  .object({
    model: z.string().min(1).max(200),
    messages: ChatRequestMessages,
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: z.int().positive().nullish(),
    max_completion_tokens: z.int().positive().nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    seed: z.int().nullish(),
    stop: z
      .preprocess(
        atMost(MAX_STOPS),
        z.union([z.string().min(1), z.array(z.string().min(1)).max(MAX_STOPS)]).nullish(),
      )
      .optional(),
    n: z.int().min(1).max(MAX_CHOICES).nullish(),
    tools: Tools,
    tool_choice: ToolChoice,
    parallel_tool_calls: z.boolean().nullish(),
    functions: unsupported(isEmptyList, 'it is the old way, send tools'),
    function_call: unsupported((value) => value === 'none' || value === 'auto', 'send tool_choice'),
    reasoning_effort: Effort.nullish(),
    service_tier: ServiceTier.nullish(),
    response_format: ResponseFormat.nullish(),
    ...EndUser.shape,
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
    logit_bias: LogitBias.optional(),
    audio: unsupported(() => false),
    web_search_options: unsupported(() => false),
    modalities: unsupported(
      (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    ),
  })
  .refine(({ logprobs, top_logprobs: top }) => logprobs === true || !top, {
    path: ['top_logprobs'],
    error: 'It needs "logprobs": true beside it.',
  })
export type ChatRequest = z.infer<typeof ChatRequest>

/** What of a job's sampling says how its answer is told and what it is held to. Absent is not asked for. */
export function tellingOf(
  request: ChatRequest,
): Pick<Sampling, 'logprobs' | 'format' | 'logitBias'> {
  const format = formatOf(request.response_format)
  const bias = biasOf(request.logit_bias)
  return {
    ...(bias && { logitBias: bias }),
    ...(request.logprobs === true && { logprobs: request.top_logprobs ?? 0 }),
    ...(format && { format }),
  }
}

export const Usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  /** Of a model that thinks. */
  completion_tokens_details: z.object({ reasoning_tokens: z.int() }).optional(),
})

const Logprob = z.object({
  /** Half a character is U+FFFD here, and whole in `bytes`. A token that is no text is called by its name. */
  token: z.string(),
  /** The natural logarithm of its probability by the model itself: before temperature, penalties, top_p and format. */
  logprob: z.number(),
  bytes: z.array(z.int()).nullable(),
})

export const TokenLogprob = Logprob.extend({ top_logprobs: z.array(Logprob) })
export type TokenLogprob = z.infer<typeof TokenLogprob>

/** One entry a token, those of a stop string too: as many as `usage.completion_tokens` counts. */
export const Logprobs = z.object({ content: z.array(TokenLogprob), refusal: z.null() })
export type Logprobs = z.infer<typeof Logprobs>

export const FinishReason = z.enum(['stop', 'length', 'tool_calls'])

const called = { name: z.string(), arguments: z.string() }
const ToolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object(called),
})
export type ToolCall = z.infer<typeof ToolCall>

const about = {
  /** Where the request names one. */
  service_tier: ToldTier.optional(),
  /** Stands for the model's file; `null` where nobody knows. */
  system_fingerprint: z.string().nullable(),
}

/** What it answers when not streamed. */
export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  ...about,
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        /** `null` where it only calls functions. */
        content: z.string().nullable(),
        /** What a model thought before it answered. */
        reasoning_content: z.string().optional(),
        refusal: z.null(),
        annotations: z.array(z.unknown()).max(0),
        tool_calls: z.array(ToolCall).optional(),
      }),
      logprobs: Logprobs.nullable(),
      finish_reason: FinishReason,
      /** Why it finished, where that says too little: a budget was used up at this token. */
      code: EndCode.optional(),
    }),
  ),
  usage: Usage,
})
export type ChatCompletion = z.infer<typeof ChatCompletion>

/** One event of a streamed answer. */
export const ChatCompletionChunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  ...about,
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        reasoning_content: z.string().optional(),
        tool_calls: z
          .array(
            z.object({
              index: z.int(),
              id: z.string().optional(),
              type: z.literal('function').optional(),
              function: z.object(called).partial(),
            }),
          )
          .optional(),
      }),
      logprobs: Logprobs.nullable(),
      finish_reason: FinishReason.nullable(),
      code: EndCode.optional(),
    }),
  ),
  usage: Usage.nullish(),
})
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>
