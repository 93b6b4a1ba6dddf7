import type { Calling } from '../../../proto/calling.ts'
import type { ChatMessage } from '../../../proto/job.ts'

/**
 * A conversation with functions for a model whose template knows none: what they are and how to call one stands in a
 * message, calls and results are text. The tags are those that many models were taught with.
 */
export function inWords(
  messages: readonly ChatMessage[],
  calling: Calling | undefined,
  where: 'system' | 'user',
): ChatMessage[] {
  const told = together(messages.map(toldOf))
  if (!calling) return told
  const first = told.findIndex(({ role }) => role === where)
  const words = wordsOf(calling)
  if (first < 0) return [{ role: where, text: words }, ...told]
  return told.map((message, i) =>
    i === first ? { ...message, text: `${message.text}\n\n${words}` } : message,
  )
}

const wordsOf = ({ tools }: Calling): string => `You can call these functions:
<tools>
${tools.map(toolLine).join('\n')}
</tools>
To call one, write its name and its arguments between tags, and nothing after them:
<tool_call>
{"name": "the name", "arguments": {}}
</tool_call>`

/** The schema is text already. */
function toolLine({ name, description, parameters }: Calling['tools'][number]): string {
  const about = description === null ? '' : `, "description": ${JSON.stringify(description)}`
  return `{"name": ${JSON.stringify(name)}${about}, "parameters": ${parameters ?? '{}'}}`
}

function toldOf({ role, text, calls = [] }: ChatMessage): ChatMessage {
  if (role === 'tool') return { role: 'user', text: `<tool_response>\n${text}\n</tool_response>` }
  const called = calls.map(
    ({ name, arguments: its }) =>
      `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${its}}\n</tool_call>`,
  )
  return { role, text: [...(text === '' && called.length > 0 ? [] : [text]), ...called].join('\n') }
}

/** Results that follow each other are one message: many templates want user and assistant in turns. */
function together(messages: readonly ChatMessage[]): ChatMessage[] {
  const all: ChatMessage[] = []
  let wasResult = false
  for (const message of messages) {
    const isResult = message.role === 'user' && message.text.startsWith('<tool_response>\n')
    const last = all.at(-1)
    if (last && isResult && wasResult) last.text += `\n${message.text}`
    else all.push({ ...message })
    wasResult = isResult
  }
  return all
}
