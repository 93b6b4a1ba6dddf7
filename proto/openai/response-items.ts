import { z } from 'zod'
import { listOf } from './fields.ts'
import { TokenLogprob } from './chat.ts'

const MAX_PARTS = 64
const MAX_ITEMS = 2048

const ItemStatus = z.enum(['in_progress', 'completed', 'incomplete'])

/** Text in whichever of its names: clients send what they were answered with back as it was. */
const TextPart = z.object({
  type: z.enum(['input_text', 'output_text', 'text', 'refusal'], {
    error: 'It must be "input_text": no model here reads other parts.',
  }),
  text: z.string().optional(),
  refusal: z.string().optional(),
})

const Content = z.union([z.string(), listOf(TextPart, MAX_PARTS)], {
  error:
    'It must be a string or a list of {"type":"input_text","text":…} parts: no model here reads other parts.',
})

const told = { id: z.string().max(200).nullish(), status: ItemStatus.nullish() }

const InputMessage = z.object({
  type: z.literal('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: Content,
  ...told,
})

const InputCall = z.object({
  type: z.literal('function_call'),
  call_id: z.string().min(1).max(200),
  name: z.string().min(1).max(128),
  arguments: z.string(),
  ...told,
})

const InputCallOutput = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string().min(1).max(200),
  output: Content,
  ...told,
})

/** What a model thought in an earlier turn is kept and shown, and not given to it again. */
const InputReasoning = z.object({
  type: z.literal('reasoning'),
  summary: listOf(z.object({ type: z.literal('summary_text'), text: z.string() }), MAX_PARTS),
  content: listOf(
    z.object({ type: z.literal('reasoning_text'), text: z.string() }),
    MAX_PARTS,
  ).nullish(),
  encrypted_content: z.string().nullish(),
  ...told,
})

const ItemReference = z.object({ type: z.literal('item_reference'), id: z.string().max(200) })

/** Two kinds of item may leave their type out: they are told by what else is there. */
function withType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ('type' in value && value.type != null))
    return value
  if ('role' in value) return { ...value, type: 'message' }
  return 'id' in value ? { ...value, type: 'item_reference' } : value
}

/** One thing of a conversation, as a client gives it to `POST /v1/responses`. */
export const InputItem = z.preprocess(
  withType,
  z.discriminatedUnion(
    'type',
    [InputMessage, InputCall, InputCallOutput, InputReasoning, ItemReference],
    {
      error:
        'It must be a "message", "function_call", "function_call_output", "reasoning" or "item_reference": no other items are known here.',
    },
  ),
)
export type InputItem = z.infer<typeof InputItem>

export const ResponseInput = z.union([z.string(), listOf(InputItem, MAX_ITEMS)])

export const OutputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.unknown()).max(0),
  logprobs: z.array(TokenLogprob.extend({ bytes: z.array(z.int()) })),
})
export type OutputText = z.infer<typeof OutputText>

export const OutputMessage = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  status: ItemStatus,
  content: z.array(OutputText),
})
export type OutputMessage = z.infer<typeof OutputMessage>

export const FunctionCall = z.object({
  id: z.string(),
  type: z.literal('function_call'),
  status: ItemStatus,
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
})
export type FunctionCall = z.infer<typeof FunctionCall>

export const ReasoningItem = z.object({
  id: z.string(),
  type: z.literal('reasoning'),
  status: ItemStatus,
  summary: z.array(z.object({ type: z.literal('summary_text'), text: z.string() })),
  content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })),
})
export type ReasoningItem = z.infer<typeof ReasoningItem>

/** What a model made. */
export const OutputItem = z.discriminatedUnion('type', [OutputMessage, FunctionCall, ReasoningItem])
export type OutputItem = z.infer<typeof OutputItem>

/** What it was given, with an id each. */
export const ItemResource = z.union([
  OutputItem,
  z.object({
    id: z.string(),
    type: z.literal('message'),
    role: z.enum(['user', 'system', 'developer']),
    status: ItemStatus,
    content: z.array(z.object({ type: z.literal('input_text'), text: z.string() })),
  }),
  z.object({
    id: z.string(),
    type: z.literal('function_call_output'),
    status: ItemStatus,
    call_id: z.string(),
    output: z.string(),
  }),
])
export type ItemResource = z.infer<typeof ItemResource>
