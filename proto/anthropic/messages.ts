import { z } from 'zod'
import { EndUserName } from '../end-user-name.ts'

const MAX_MESSAGES = 2048
const MAX_BLOCKS = 256
const MAX_TOOLS = 128
const MAX_STOPS = 16

/** What a caller may mark as worth caching: June keeps prompts warm by itself. */
const cached = { cache_control: z.unknown().optional() }

const TextBlock = z.object({ type: z.literal('text'), text: z.string(), ...cached })

const ToolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string().min(1).max(200),
  name: z.string().min(1).max(64),
  input: z.record(z.string(), z.unknown()),
  ...cached,
})

const ToolResultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string().min(1).max(200),
  content: z.union([z.string(), z.array(TextBlock).max(MAX_BLOCKS)]).optional(),
  is_error: z.boolean().optional(),
  ...cached,
})

/** What a model thought before: it is not shown to it again. */
const ThinkingBlock = z.object({ type: z.enum(['thinking', 'redacted_thinking']) })

const Block = z.discriminatedUnion(
  'type',
  [TextBlock, ToolUseBlock, ToolResultBlock, ThinkingBlock],
  { error: 'A block must be text, tool_use, tool_result or thinking: no model here reads others.' },
)
export type Block = z.infer<typeof Block>

const Message = z.object({
  role: z.enum(['user', 'assistant'], {
    error: 'It must be "user" or "assistant". A system prompt goes into "system".',
  }),
  content: z.union([z.string(), z.array(Block).min(1).max(MAX_BLOCKS)], {
    // Of a list the block at fault speaks for itself.
    error: ({ input }) =>
      Array.isArray(input)
        ? undefined
        : 'Content must be a string or a list of text, tool_use, tool_result or thinking blocks.',
  }),
})
export type Message = z.infer<typeof Message>

const Tool = z.object({
  type: z
    .literal('custom', { error: 'Only tools of the caller are possible: leave "type" out.' })
    .nullish(),
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'A name is 1-64 letters, digits, "_" or "-".'),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  strict: z.boolean().optional(),
  ...cached,
})

const alone = { disable_parallel_tool_use: z.boolean().optional() }
const ToolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), ...alone }),
  z.object({ type: z.literal('any'), ...alone }),
  z.object({ type: z.literal('tool'), name: z.string(), ...alone }),
  z.object({ type: z.literal('none') }),
])

/** What a prompt is made of: all that `count_tokens` takes. */
const Prompt = z.object({
  model: z.string().min(1).max(200),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  system: z.union([z.string(), z.array(TextBlock).max(MAX_BLOCKS)]).optional(),
  tools: z.array(Tool).max(MAX_TOOLS).optional(),
  tool_choice: ToolChoice.optional(),
  /** A model that thinks does, however much it is given for it. */
  thinking: z.looseObject({ type: z.string() }).optional(),
})
export const CountRequest = Prompt
export type CountRequest = z.infer<typeof CountRequest>

/** What `POST /v1/messages` takes, as Anthropic's SDKs send it. What nobody knows is ignored. */
export const MessagesRequest = Prompt.extend({
  max_tokens: z.int().positive(),
  stop_sequences: z.array(z.string().min(1)).max(MAX_STOPS).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z
    .unknown()
    .refine((value) => value === undefined, {
      error: 'top_k is not supported: leave it out, or use top_p.',
    })
    .optional(),
  metadata: z.looseObject({ user_id: EndUserName.nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
})
export type MessagesRequest = z.infer<typeof MessagesRequest>

const StopReason = z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use'])

const Usage = z.object({
  /** Of the prompt, those that were not read from a cache. */
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_read_input_tokens: z.int(),
  cache_creation_input_tokens: z.int(),
})

/** What it answers when not streamed. */
export const MessagesResponse = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: z.string(), citations: z.null() }),
      z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
      z.object({
        type: z.literal('tool_use'),
        id: z.string(),
        name: z.string(),
        input: z.record(z.string(), z.unknown()),
      }),
    ]),
  ),
  stop_reason: StopReason.nullable(),
  stop_sequence: z.string().nullable(),
  usage: Usage,
})
export type MessagesResponse = z.infer<typeof MessagesResponse>

export const TokenCount = z.object({ input_tokens: z.int() })

/** The body of every refusal: Anthropic's error object, with OpenAI's `param` and `code` beside. */
export const MessagesError = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.string(),
    message: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
  request_id: z.string(),
})
