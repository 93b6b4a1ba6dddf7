import { Failure } from '../../proto/failure.ts'
import type { ChatMessage } from '../../proto/job.ts'
import type { ItemResource } from '../../proto/openai/response-items.ts'

/**
 * A conversation as a model reads it. Calls that follow each other, or the words before them, were one message of the
 * model; what it thought at the time is not told to it again.
 */
export function messagesOf(
  instructions: string | null,
  items: readonly ItemResource[],
): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', text: instructions }] : []
  const called = new Set<string>()
  for (const item of items) {
    switch (item.type) {
      case 'message':
        messages.push({
          role: roleOf(item.role),
          text: item.content.map(({ text }) => text).join(''),
        })
        break
      case 'function_call':
        called.add(item.call_id)
        addCall(messages, { id: item.call_id, name: item.name, arguments: item.arguments })
        break
      case 'function_call_output':
        if (!called.has(item.call_id)) throw uncalled(item.call_id)
        messages.push({ role: 'tool', text: item.output, answers: item.call_id })
        break
      case 'reasoning':
        break
    }
  }
  if (messages.length === 0)
    throw new Failure('invalid', 'There is nothing to answer: send some input.', { param: 'input' })
  return messages
}

const roleOf = (role: 'user' | 'assistant' | 'system' | 'developer'): ChatMessage['role'] =>
  role === 'developer' ? 'system' : role

function addCall(messages: ChatMessage[], call: NonNullable<ChatMessage['calls']>[number]): void {
  const last = messages.at(-1)
  if (last?.role === 'assistant') last.calls = [...(last.calls ?? []), call]
  else messages.push({ role: 'assistant', text: '', calls: [call] })
}

const uncalled = (id: string): Failure =>
  new Failure(
    'invalid',
    `No tool call found for function call output with call_id ${id.slice(0, 200)}.`,
    { param: 'input' },
  )
