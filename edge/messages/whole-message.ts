import { Failure } from '../../proto/failure.ts'
import type { MessagesResponse } from '../../proto/anthropic/messages.ts'
import type { Part } from '../stream/parts.ts'
import { endingOf, usageOf } from './head.ts'

type Block = MessagesResponse['content'][number]

/** The whole message at once, for a caller that does not stream. */
export async function wholeMessage(
  parts: AsyncIterable<readonly Part[]>,
  head: MessagesResponse,
): Promise<MessagesResponse> {
  const content: Block[] = []
  let json = ''
  for await (const some of parts)
    for (const part of some) {
      if (part.kind !== 'arguments') closeCall(content, json)
      switch (part.kind) {
        case 'text':
          grow(content, part.text)
          break
        case 'reasoning':
          think(content, part.text)
          break
        case 'call':
          json = ''
          content.push({ type: 'tool_use', id: part.id, name: part.name, input: {} })
          break
        case 'arguments':
          json += part.text
          break
        case 'end':
          return { ...head, content, ...endingOf(part), usage: usageOf(part) }
      }
    }
  throw new Failure('internal', 'The answer ended without its last frame.')
}

function grow(content: Block[], text: string): void {
  const last = content.at(-1)
  if (last?.type === 'text') last.text += text
  else if (text) content.push({ type: 'text', text, citations: null })
}

function think(content: Block[], thinking: string): void {
  const last = content.at(-1)
  if (last?.type === 'thinking') last.thinking += thinking
  else content.push({ type: 'thinking', thinking, signature: '' })
}

/** What a call's arguments came to. A model that was cut short left half an object: the caller is told none. */
function closeCall(content: Block[], json: string): void {
  const last = content.at(-1)
  if (last?.type !== 'tool_use') return
  try {
    const input: unknown = JSON.parse(json)
    if (typeof input === 'object' && input !== null) last.input = input as Record<string, unknown>
  } catch {
    last.input = {}
  }
}
