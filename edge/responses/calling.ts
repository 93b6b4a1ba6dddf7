import type { Calling } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import { MAX_SCHEMA_CHARS } from '../../proto/format.ts'
import type { ResponseRequest } from '../../proto/openai/responses.ts'

type Tool = NonNullable<ResponseRequest['tools']>[number]

/** The functions that a response may call; nothing where it may call none. */
export function callingOf({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
}: ResponseRequest): Calling | undefined {
  const named = namesIn(choice)
  for (const name of named ?? [])
    if (!tools?.some((tool) => tool.name === name))
      throw new Failure('invalid', `There is no tool "${name}" among tools.`, {
        param: 'tool_choice',
      })
  if (!tools || tools.length === 0) {
    if (choice !== 'required') return undefined
    throw new Failure('invalid', 'It needs tools: there is none that could be called.', {
      param: 'tool_choice',
    })
  }
  if (choice === 'none') return undefined
  const offered = tools
    .map((tool, i) => ({ tool, i }))
    .filter(({ tool }) => !named || named.includes(tool.name))
  return {
    tools: offered.map(({ tool, i }) => ({
      name: tool.name,
      description: tool.description ?? null,
      parameters: parametersOf(tool, i),
      strict: tool.strict ?? false,
    })),
    choice: modeOf(choice),
    ...(typeof choice === 'object' && choice?.type === 'function' && { only: choice.name }),
    parallel: parallel ?? true,
  }
}

function modeOf(choice: ResponseRequest['tool_choice']): Calling['choice'] {
  if (typeof choice !== 'object' || choice === null)
    return choice === 'required' ? 'required' : 'auto'
  return choice.type === 'function' ? 'required' : choice.mode
}

function namesIn(choice: ResponseRequest['tool_choice']): readonly string[] | undefined {
  if (typeof choice !== 'object' || choice === null) return undefined
  return choice.type === 'function' ? [choice.name] : choice.tools.map(({ name }) => name)
}

function parametersOf({ parameters }: Tool, i: number): string | null {
  if (parameters === undefined || parameters === null) return null
  const param = `tools[${i}].parameters`
  let text: string
  try {
    text = JSON.stringify(parameters)
  } catch (cause) {
    throw new Failure('invalid', 'It is nested too deeply.', { param, cause })
  }
  if (text.length <= MAX_SCHEMA_CHARS) return text
  throw new Failure('invalid', `A schema has at most ${MAX_SCHEMA_CHARS} characters as JSON.`, {
    param,
  })
}
