import { Failure } from '../../proto/failure.ts'
import type { ChatCompletion, TokenLogprob, ToolCall } from '../../proto/openai/chat.ts'
import type { AnswerHead } from '../../proto/stored-answer.ts'
import type { Answer } from '../ports.ts'
import { chatHeadOf, usageOf } from './chat-head.ts'
import { partsOf, type EndPart } from './parts.ts'

/** One of the answers to a request. */
export interface Choice {
  head: AnswerHead
  answer: Answer
}

/** The whole answer at once, for a caller that does not stream. */
export async function chatCompletion(choices: readonly Choice[]): Promise<ChatCompletion> {
  const whole = await Promise.all(choices.map(wholeChoice))
  const [first] = choices
  if (!first) throw new Failure('internal', 'There is no answer to tell.')
  return {
    object: 'chat.completion',
    ...chatHeadOf(first.head),
    choices: whole.map(({ choice }) => choice),
    usage: usageOf(
      whole.map(({ usage }) => usage),
      first.head.reading.marks?.thinking !== undefined,
    ),
  }
}

interface WholeChoice {
  choice: ChatCompletion['choices'][number]
  usage: EndPart['usage']
}

async function wholeChoice({ answer, head }: Choice, index: number): Promise<WholeChoice> {
  let content = ''
  let reasoning = ''
  const calls: ToolCall[] = []
  const logprobs: TokenLogprob[] = []
  for await (const parts of partsOf(answer, head))
    for (const part of parts)
      switch (part.kind) {
        case 'text':
          content += part.text
          for (const token of part.logprobs?.content ?? []) logprobs.push(token)
          break
        case 'reasoning':
          reasoning += part.text
          break
        case 'call':
          calls.push({
            id: part.id,
            type: 'function',
            function: { name: part.name, arguments: '' },
          })
          break
        case 'arguments': {
          const call = calls[part.index]
          if (call) call.function.arguments += part.text
          break
        }
        case 'end':
          return { choice: choiceOf(part), usage: part.usage }
      }
  throw new Failure('internal', 'The answer ended without its last frame.')

  function choiceOf({ finish, code }: EndPart): WholeChoice['choice'] {
    return {
      index,
      message: {
        role: 'assistant',
        content: calls.length > 0 && content === '' ? null : content,
        ...(reasoning !== '' && { reasoning_content: reasoning }),
        refusal: null,
        annotations: [],
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
      finish_reason: finish,
      ...(code && { code }),
    }
  }
}
