import type { CountRequest } from '../../proto/anthropic/messages.ts'
import type { Calling } from '../../proto/calling.ts'
import { Failure } from '../../proto/failure.ts'
import { callingOf } from '../../proto/openai/tools.ts'

/** The functions that a message may call; nothing where it may call none. */
export function callingIn({
  tools,
  tool_choice: choice,
}: Pick<CountRequest, 'tools' | 'tool_choice'>): Calling | undefined {
  try {
    return callingOf({
      tools: tools?.map(({ name, description, input_schema: parameters, strict }) => ({
        type: 'function',
        function: { name, description, parameters, strict },
      })),
      tool_choice: choiceOf(choice),
      parallel_tool_calls: !(
        choice &&
        'disable_parallel_tool_use' in choice &&
        choice.disable_parallel_tool_use
      ),
    })
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.param === null) throw thrown
    throw new Failure(thrown.code, here(thrown.message), {
      param: here(thrown.param),
      cause: thrown,
    })
  }
}

/** OpenAI's names for fields, as they are called here. */
const here = (text: string): string =>
  text.replace('].function.parameters', '].input_schema').replace('].function.', '].')

function choiceOf(
  choice: CountRequest['tool_choice'],
): Parameters<typeof callingOf>[0]['tool_choice'] {
  switch (choice?.type) {
    case undefined:
    case 'auto':
      return 'auto'
    case 'any':
      return 'required'
    case 'none':
      return 'none'
    case 'tool':
      return { type: 'function', function: { name: choice.name } }
  }
}
