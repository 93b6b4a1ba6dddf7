import type { Calling } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import type { ResponseRequest } from '../../proto/openai/responses.ts'
import { callingOf } from '../../proto/openai/tools.ts'

/** The functions that a response may call; nothing where it may call none. A chat names the same one step deeper. */
export function callingIn(request: ResponseRequest): Calling | undefined {
  try {
    return callingOf({
      tools: request.tools?.map(({ type, ...its }) => ({ type, function: its })),
      tool_choice: choiceOf(request.tool_choice),
      parallel_tool_calls: request.parallel_tool_calls,
    })
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.param === null) throw thrown
    throw new Failure(thrown.code, shallow(thrown.message), {
      param: shallow(thrown.param),
      cause: thrown,
    })
  }
}

const shallow = (text: string): string => text.replace('].function.', '].')

interface Named {
  type: 'function'
  name: string
}
const deeper = ({ type, name }: Named) => ({ type, function: { name } })

function choiceOf(
  choice: ResponseRequest['tool_choice'],
): Parameters<typeof callingOf>[0]['tool_choice'] {
  if (typeof choice !== 'object' || choice === null) return choice
  if (choice.type === 'function') return deeper(choice)
  const { type, mode, tools } = choice
  return { type, allowed_tools: { mode, tools: tools.map(deeper) } }
}
