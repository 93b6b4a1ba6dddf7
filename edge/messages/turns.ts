import { Failure } from '../../proto/failure.ts'
import type { Block, CountRequest, Message } from '../../proto/anthropic/messages.ts'
import type { ChatMessage } from '../../proto/job.ts'

/** A conversation as Anthropic's clients tell it, as our models are told it. */
export function turnsOf({
  system,
  messages,
}: Pick<CountRequest, 'system' | 'messages'>): ChatMessage[] {
  if (messages.at(-1)?.role === 'assistant')
    throw new Failure(
      'invalid',
      'The last message must be the user’s: an answer cannot be begun for the model here.',
      { param: `messages[${messages.length - 1}].role` },
    )
  const told: ChatMessage[] = system === undefined ? [] : [{ role: 'system', text: textOf(system) }]
  for (const [i, message] of messages.entries()) told.push(...turnOf(message, i))
  return told
}

function turnOf({ role, content }: Message, at: number): ChatMessage[] {
  if (typeof content === 'string') return [{ role, text: content }]
  const turns: ChatMessage[] = []
  let text = ''
  const calls: NonNullable<ChatMessage['calls']> = []
  for (const [i, block] of content.entries()) {
    const misplaced = role === 'user' ? block.type === 'tool_use' : block.type === 'tool_result'
    if (misplaced)
      throw new Failure('invalid', `A ${role} message has no ${block.type} blocks.`, {
        param: `messages[${at}].content[${i}].type`,
      })
    if (block.type === 'text') text += block.text
    if (block.type === 'tool_result') turns.push(resultOf(block))
    if (block.type === 'tool_use')
      calls.push({ id: block.id, name: block.name, arguments: JSON.stringify(block.input) })
  }
  // What the tools said comes before what the user says to it.
  if (text || calls.length > 0 || turns.length === 0)
    turns.push({ role, text, ...(calls.length > 0 && { calls }) })
  return turns
}

function resultOf(block: Extract<Block, { type: 'tool_result' }>): ChatMessage {
  const said = block.content === undefined ? '' : textOf(block.content)
  return {
    role: 'tool',
    text: block.is_error ? `Error: ${said}` : said,
    answers: block.tool_use_id,
  }
}

const textOf = (content: string | readonly { text: string }[]): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text).join('')
