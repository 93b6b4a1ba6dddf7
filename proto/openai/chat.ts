import { z } from 'zod'
import { MAX_TOP_LOGPROBS, type Sampling } from '../job.ts'
import { EndUser } from './end-user.ts'
import { formatOf, ResponseFormat } from './response-format.ts'

const MAX_MESSAGES = 2048
const MAX_PARTS = 64
/** Of all messages together. */
const MAX_ALL_PARTS = 4096
const MAX_STOPS = 4

const TextPart = z.object({ type: z.literal('text'), text: z.string() })

const Content = z.union([z.string(), z.array(TextPart).min(1).max(MAX_PARTS)], {
  error:
    'Content must be a string or a list of {"type":"text","text":…} parts: no model here reads other parts.',
})

export const ChatRequestMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: Content,
  name: z.string().optional(),
})

/** Refuses before zod looks at the elements: it says of every one what is wrong with it, however many there are. */
const atMost =
  (most: number) =>
  (value: unknown, context: z.core.$RefinementCtx): unknown => {
    if (Array.isArray(value) && value.length > most)
      context.addIssue({ code: 'custom', message: `At most ${most} are possible.` })
    return value
  }

function countParts(value: unknown, context: z.core.$RefinementCtx): unknown {
  atMost(MAX_MESSAGES)(value, context)
  if (!Array.isArray(value) || value.length > MAX_MESSAGES) return value
  let all = 0
  for (const [i, each] of value.entries()) {
    const content: unknown = isObject(each) ? each['content'] : undefined
    if (!Array.isArray(content)) continue
    all += content.length
    if (content.length <= MAX_PARTS && all <= MAX_ALL_PARTS) continue
    const message = `At most ${MAX_PARTS} parts are possible, and ${MAX_ALL_PARTS} in all messages together.`
    context.addIssue({ code: 'custom', path: [i, 'content'], message })
    break
  }
  return value
}

/** A field that would change the answer and that no model here honours yet, with the values that ask for nothing. */
const unsupported = (asksNothing: (value: unknown) => boolean) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || asksNothing(value), {
      error: ({ path }) => `${String(path?.at(-1) ?? 'This')} is not supported yet: leave it out.`,
    })
    .optional()

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0
/** Looked at and not made into text: what a stranger nests deeply enough would end the stack. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What `POST /v1/chat/completions` takes. Fields that OpenAI knows and that change nothing here are ignored; those
 * that would change the answer and cannot be honoured yet are refused by name.
 */
export const ChatRequest = z
  .object({
    model: z.string().min(1).max(200),
    messages: z.preprocess(countParts, z.array(ChatRequestMessage).min(1).max(MAX_MESSAGES)),
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
    n: z.literal(1, { error: 'Only n = 1 is supported yet.' }).nullish(),
    tools: unsupported(isEmptyList),
    functions: unsupported(isEmptyList),
    tool_choice: unsupported((value) => value === 'none' || value === 'auto'),
    response_format: ResponseFormat.nullish(),
    ...EndUser.shape,
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(MAX_TOP_LOGPROBS).nullish(),
    logit_bias: unsupported((value) => isObject(value) && Object.keys(value).length === 0),
    audio: unsupported(() => false),
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
export function tellingOf(request: ChatRequest): Pick<Sampling, 'logprobs' | 'format'> {
  const format = formatOf(request.response_format)
  return {
    ...(request.logprobs === true && { logprobs: request.top_logprobs ?? 0 }),
    ...(format && { format }),
  }
}

export const Usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
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

export const FinishReason = z.enum(['stop', 'length'])

/** What it answers when not streamed. */
export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string(),
        refusal: z.null(),
      }),
      logprobs: Logprobs.nullable(),
      finish_reason: FinishReason,
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
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: Logprobs.nullable(),
      finish_reason: FinishReason.nullable(),
    }),
  ),
  usage: Usage.nullish(),
})
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>
