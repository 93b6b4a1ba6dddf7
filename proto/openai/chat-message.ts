import { z } from 'zod'
import type { ChatMessage } from '../job.ts'
import { atMost, isObject } from './fields.ts'

const MAX_MESSAGES = 2048
const MAX_PARTS = 64
/** Of all messages together. */
const MAX_ALL_PARTS = 4096
export const MAX_CALLS = 128

/** What a part that is no text is called in a refusal. */
const UNREAD: Record<string, string> = {
  image_url: 'images',
  input_audio: 'audio',
  file: 'files',
}

const Part = z
  .looseObject({ type: z.string(), text: z.string().optional() })
  .superRefine((part, context) => {
    const refuse = (message: string, path: string[] = []): void =>
      context.addIssue({ code: 'custom', path, message })
    const unread = UNREAD[part.type]
    if (unread) refuse(`This model reads no ${unread}: send {"type":"text","text":…} parts only.`)
    else if (part.type !== 'text') refuse('It must be "text".', ['type'])
    else if (part.text === undefined) refuse('it is required (expected string)', ['text'])
  })

const Parts = z.array(Part).min(1).max(MAX_PARTS)
const Text = z.string({ error: 'It must be a string or a list of {"type":"text","text":…} parts.' })
const Content = z.union([Text, Parts])
const name = z.string().nullish()

const ToolCall = z.object({
  id: z.string().min(1).max(256),
  type: z.literal('function', { error: 'Only "function" is possible.' }),
  function: z.object({ name: z.string().min(1).max(256), arguments: z.string() }),
})

const old = (remedy: string) =>
  z.null({ error: `The old way of calling functions is not supported: ${remedy}.` }).optional()

export const ChatRequestMessage = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.enum(['system', 'developer', 'user']), content: Content, name }),
    z
      .object({
        role: z.literal('assistant'),
        content: Content.nullish(),
        /** Shown to the model as what it said. */
        refusal: z.string().nullish(),
        name,
        tool_calls: z
          .preprocess(atMost(MAX_CALLS), z.array(ToolCall).max(MAX_CALLS).nullish())
          .optional(),
        audio: z.null({ error: 'This model speaks no audio: leave it out.' }).optional(),
        function_call: old('send tool_calls'),
      })
      .refine(
        (message) =>
          (message.content ?? message.refusal ?? null) !== null ||
          (message.tool_calls?.length ?? 0) > 0,
        {
          path: ['content'],
          error: 'it is required where there are no tool_calls',
        },
      ),
    z.object({
      role: z.literal('tool'),
      content: Content,
      tool_call_id: z.string().min(1).max(256),
    }),
  ],
  {
    error: ({ input }) =>
      isObject(input) && input['role'] === 'function'
        ? 'The old way of calling functions is not supported: send role "tool" with a tool_call_id.'
        : undefined,
  },
)
export type ChatRequestMessage = z.infer<typeof ChatRequestMessage>

export const ChatRequestMessages = z
  .preprocess(countParts, z.array(ChatRequestMessage).min(1).max(MAX_MESSAGES))
  .superRefine((messages, context) => {
    const called = new Set<string>()
    for (const [i, message] of messages.entries()) {
      if (message.role === 'assistant')
        for (const { id } of message.tool_calls ?? []) called.add(id)
      if (message.role !== 'tool' || called.has(message.tool_call_id)) continue
      const text = 'No assistant message before it has a tool call of this id.'
      context.addIssue({ code: 'custom', path: [i, 'tool_call_id'], message: text })
      return
    }
  })

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

/** As a job has it. */
export function messageOf(message: ChatRequestMessage): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', text: textOf(message.content) }
    case 'user':
      return { role: 'user', text: textOf(message.content) }
    case 'tool':
      return { role: 'tool', text: textOf(message.content), answers: message.tool_call_id }
    case 'assistant': {
      const calls = message.tool_calls ?? []
      const text = textOf(message.content ?? message.refusal ?? '')
      if (calls.length === 0) return { role: 'assistant', text }
      return {
        role: 'assistant',
        text,
        calls: calls.map((call) => ({ id: call.id, ...call.function })),
      }
    }
  }
}

export const textOf = (content: string | readonly { text?: string | undefined }[]): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('')
