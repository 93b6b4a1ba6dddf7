import { z } from 'zod'

const TextPart = z.object({ type: z.literal('text'), text: z.string() })

const Content = z.union([z.string(), z.array(TextPart).min(1)], {
  error:
    'Content must be a string or a list of {"type":"text","text":…} parts: no model here reads other parts.',
})

export const ChatRequestMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: Content,
  name: z.string().optional(),
})

/** Fields that would change the answer and that no model here honours yet, with the values that ask for nothing. */
const unsupported: Record<string, (value: unknown) => boolean> = {
  tools: (value) => Array.isArray(value) && value.length === 0,
  functions: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === 'none' || value === 'auto',
  response_format: (value) => JSON.stringify(value) === '{"type":"text"}',
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  logit_bias: (value) => JSON.stringify(value) === '{}',
  audio: () => false,
  modalities: (value) => JSON.stringify(value) === '["text"]',
}

/**
 * What `POST /v1/chat/completions` takes. Fields that OpenAI knows and that change nothing here are ignored; those
 * that would change the answer and cannot be honoured yet are refused by name.
 */
export const ChatRequest = z
  .looseObject({
    model: z.string().min(1).max(200),
    messages: z.array(ChatRequestMessage).min(1).max(2048),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: z.int().positive().nullish(),
    max_completion_tokens: z.int().positive().nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    seed: z.int().nullish(),
    stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish(),
    n: z.literal(1, { error: 'Only n = 1 is supported yet.' }).nullish(),
  })
  .superRefine((request, context) => {
    for (const [field, asksNothing] of Object.entries(unsupported)) {
      const value = request[field]
      if (value === undefined || value === null || asksNothing(value)) continue
      const message = `${field} is not supported yet: leave it out.`
      context.addIssue({ code: 'custom', path: [field], message })
    }
  })
export type ChatRequest = z.infer<typeof ChatRequest>

export const Usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
})

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
      logprobs: z.null(),
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
      logprobs: z.null(),
      finish_reason: FinishReason.nullable(),
    }),
  ),
  usage: Usage.nullish(),
})
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>
