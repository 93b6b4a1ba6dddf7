import { z } from 'zod'
import { OutputItem, OutputText } from './response-items.ts'
import { ResponseObject } from './responses.ts'

const whole = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), response: ResponseObject, sequence_number: z.int() })

const inItem = { item_id: z.string(), output_index: z.int(), sequence_number: z.int() }
const inPart = { ...inItem, content_index: z.int() }

const Part = z.union([
  OutputText,
  z.object({ type: z.literal('reasoning_text'), text: z.string() }),
])
const logprobs = OutputText.shape.logprobs

const item = <T extends string>(type: T) =>
  z.object({
    type: z.literal(type),
    output_index: z.int(),
    item: OutputItem,
    sequence_number: z.int(),
  })

const part = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), ...inPart, part: Part })

/** One event of a streamed response. `sequence_number` counts them from 0, the same for whoever reads them when. */
export const ResponseEvent = z.discriminatedUnion('type', [
  whole('response.created'),
  whole('response.queued'),
  whole('response.in_progress'),
  whole('response.completed'),
  whole('response.incomplete'),
  whole('response.failed'),
  item('response.output_item.added'),
  item('response.output_item.done'),
  part('response.content_part.added'),
  part('response.content_part.done'),
  z.object({
    type: z.literal('response.output_text.delta'),
    ...inPart,
    delta: z.string(),
    logprobs,
  }),
  z.object({ type: z.literal('response.output_text.done'), ...inPart, text: z.string(), logprobs }),
  z.object({ type: z.literal('response.reasoning_text.delta'), ...inPart, delta: z.string() }),
  z.object({ type: z.literal('response.reasoning_text.done'), ...inPart, text: z.string() }),
  z.object({
    type: z.literal('response.function_call_arguments.delta'),
    ...inItem,
    delta: z.string(),
  }),
  z.object({
    type: z.literal('response.function_call_arguments.done'),
    ...inItem,
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({
    type: z.literal('error'),
    code: z.string().nullable(),
    message: z.string(),
    param: z.string().nullable(),
    sequence_number: z.int(),
  }),
])
export type ResponseEvent = z.infer<typeof ResponseEvent>
