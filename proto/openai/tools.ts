import { z } from 'zod'
import type { Calling, Tool } from '../calling.ts'
import { Failure } from '../failure.ts'
import { MAX_SCHEMA_CHARS } from '../format.ts'
import { readSchema } from '../schema/read-schema.ts'
import { BadSchema } from '../schema/shape.ts'
import { atMost, isObject } from './fields.ts'

export const MAX_TOOLS = 128

const NAME = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, {
  error: 'It must be 1-64 of a-z, A-Z, 0-9, "_" and "-".',
})
const type = z.literal('function', {
  error: 'Only "function" is possible: no model here calls other tools.',
})

/** A function that a model may call. */
const Declared = z.object({
  name: NAME,
  description: z.string().nullish(),
  parameters: z
    .unknown()
    .superRefine((value, context) => {
      const message =
        value === undefined || value === null || isObject(value)
          ? faultOf(value)
          : 'It must be a JSON schema, which is an object.'
      if (message) context.addIssue({ code: 'custom', message })
    })
    .optional(),
  strict: z.boolean().nullish(),
})

const FunctionTool = z.object({ type, function: Declared })

/** The same as the Responses API writes it. */
const FlatTool = z.object({ type, ...Declared.shape })

/** The functions that a model may call. */
export const Tools = z
  .preprocess(atMost(MAX_TOOLS), z.array(FunctionTool).max(MAX_TOOLS).nullish())
  .superRefine((tools, context) => {
    const names = (tools ?? []).map((tool) => tool.function.name)
    refuseTwins(names, 'function.name', context)
  })
  .optional()

export const FlatTools = z
  .preprocess(atMost(MAX_TOOLS), z.array(FlatTool).max(MAX_TOOLS).nullish())
  .superRefine((tools, context) => {
    const names = (tools ?? []).map(({ name }) => name)
    refuseTwins(names, 'name', context)
  })
  .optional()

function refuseTwins(
  names: readonly string[],
  /** Where in a tool its name is. */
  where: 'name' | 'function.name',
  context: z.core.$RefinementCtx,
): void {
  const known = new Set<string>()
  for (const [i, name] of names.entries()) {
    const message = 'Two functions have this name: give each its own.'
    if (known.has(name))
      context.addIssue({ code: 'custom', path: [i, ...where.split('.')], message })
    known.add(name)
  }
}

const Named = z.object({ type, function: z.object({ name: z.string() }) })
const Allowed = z.object({
  type: z.literal('allowed_tools'),
  allowed_tools: z.object({
    mode: z.enum(['auto', 'required']),
    tools: z.preprocess(atMost(MAX_TOOLS), z.array(Named).min(1).max(MAX_TOOLS)),
  }),
})

/** Which of them it is to call. */
export const ToolChoice = z
  .union([z.enum(['none', 'auto', 'required']), Named, Allowed], {
    error:
      'It must be "none", "auto", "required", {"type":"function","function":{"name":…}} or {"type":"allowed_tools",…}.',
  })
  .nullish()

interface Asked {
  tools?: z.infer<typeof Tools>
  tool_choice?: z.infer<typeof ToolChoice>
  parallel_tool_calls?: boolean | null | undefined
}

/** What a job says of it; nothing where nothing may be called. Throws a `Failure` that names the field at fault. */
export function callingOf(asked: Asked): Calling | undefined {
  const choice = asked.tool_choice ?? 'auto'
  const tools = (asked.tools ?? []).map(toolOf)
  if (choice === 'none' || (choice === 'auto' && tools.length === 0)) return undefined
  const parallel = asked.parallel_tool_calls ?? true
  if (typeof choice === 'string') return checked({ tools, choice, parallel })
  if (choice.type === 'function') {
    const only = choice.function.name
    return checked({ tools, choice: 'required', only, parallel: false })
  }
  const { mode, tools: allowed } = choice.allowed_tools
  const names = new Set(allowed.map(({ function: { name } }) => name))
  for (const name of names) if (!tools.some((tool) => tool.name === name)) throw unknownTool(name)
  return checked({ tools: tools.filter(({ name }) => names.has(name)), choice: mode, parallel })
}

/** What a model is held to must be there, and of a kind that it can be held to. */
function checked(calling: Calling): Calling {
  const { tools, choice, only } = calling
  if (tools.length === 0)
    throw new Failure('invalid', 'tool_choice asks for a call of a function: send tools with it.', {
      param: 'tool_choice',
    })
  if (only !== undefined && !tools.some(({ name }) => name === only)) throw unknownTool(only)
  if (choice === 'required')
    for (const [i, { strict, parameters }] of tools.entries())
      if (strict && parameters !== null) refuseUnkept(parameters, `tools[${i}].function.parameters`)
  return calling
}

const unknownTool = (name: string): Failure =>
  new Failure(
    'invalid',
    `tool_choice names the function "${name.slice(0, 64)}", which is not in tools.`,
    {
      param: 'tool_choice',
    },
  )

function refuseUnkept(parameters: string, param: string): void {
  try {
    readSchema(JSON.parse(parameters))
  } catch (thrown) {
    if (!(thrown instanceof BadSchema)) throw thrown
    const at = [param, ...thrown.path].join('.')
    throw new Failure(
      'invalid',
      `Invalid '${at}': ${thrown.message} Change the schema, or leave "strict" out.`,
      { param: at },
    )
  }
}

function toolOf({ function: its }: z.infer<typeof FunctionTool>): Tool {
  const { name, description = null, parameters = null, strict } = its
  const text = parameters === null ? null : JSON.stringify(parameters)
  return { name, description, parameters: text, strict: strict ?? false }
}

function faultOf(schema: unknown): string | undefined {
  try {
    if ((JSON.stringify(schema) ?? '').length <= MAX_SCHEMA_CHARS) return undefined
    return `A schema has at most ${MAX_SCHEMA_CHARS} characters as JSON.`
  } catch {
    return 'It is nested too deeply.'
  }
}
