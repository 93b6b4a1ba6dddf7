import { z } from 'zod'

/**
 * How a model writes that it calls a function: as the chat templates of its family have it.
 * `hermes` (Qwen, too): `<tool_call>{"name":…,"arguments":…}</tool_call>`. `llama3`: `{"name":…,"parameters":…}` and
 * nothing else. `mistral`: `[TOOL_CALLS]` and then a list of `{"name":…,"arguments":…}`, or `name[ARGS]{…}`.
 */
export const CallSyntax = z.enum(['hermes', 'llama3', 'mistral'])
export type CallSyntax = z.infer<typeof CallSyntax>

/** Where a model thinks: between `<think>` and `</think>`, or from the start, where its template opened that already. */
export const Thinking = z.enum(['marked', 'opened'])
export type Thinking = z.infer<typeof Thinking>

/** What a model's answers are made of, as its worker found in its chat template. */
export const Dialect = z.object({ calls: CallSyntax, thinking: Thinking.optional() })
export type Dialect = z.infer<typeof Dialect>

/** What an answer is read for that is not plain text. Absent is not looked for. */
export const Marks = z.object({
  calls: z
    .object({
      syntax: CallSyntax,
      /** Of the functions that are offered: a call of another is text. */
      names: z.array(z.string()),
      /** Whether more than one may be made. */
      parallel: z.boolean(),
      /** The answer is held to be calls and nothing else. */
      held: z.boolean(),
    })
    .optional(),
  thinking: Thinking.optional(),
})
export type Marks = z.infer<typeof Marks>

export const Tool = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  description: z.string().nullable(),
  /** The JSON schema of its arguments, as text: what strangers nest is not walked on every hop. */
  parameters: z.string().nullable(),
  /** Where an answer is held to calls, arguments that this schema cannot be held to are refused. */
  strict: z.boolean(),
})
export type Tool = z.infer<typeof Tool>

/** The functions that a model may ask its caller to call. */
export const Calling = z.object({
  tools: z.array(Tool).min(1),
  /** `auto`: it may. `required`: it must, and says nothing else. */
  choice: z.enum(['auto', 'required']),
  /** Of the tools the one that it must call. */
  only: z.string().optional(),
  parallel: z.boolean(),
})
export type Calling = z.infer<typeof Calling>
