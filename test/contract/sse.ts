import { ChatCompletionChunk } from '../../proto/openai/chat.ts'

export interface Sse {
  /** The chunks before `[DONE]` or the error. */
  chunks: ChatCompletionChunk[]
  text: string
  /** Whether `[DONE]` was the last event. */
  done: boolean
  /** The error event that ended it instead. */
  error: unknown
}

/** A whole event stream, read as strictly as its strictest reader: anything but `data:` and `:` lines throws. */
export function readSse(body: string): Sse {
  const blocks = body.replaceAll(/^:\n/gm, '').split('\n\n')
  if (blocks.pop() !== '') throw new Error('the stream does not end after a blank line')
  const payloads = blocks.map((block) => {
    if (!block.startsWith('data: ') || block.includes('\n'))
      throw new Error(`this is no event: ${JSON.stringify(block)}`)
    return block.slice('data: '.length)
  })
  const done = payloads.at(-1) === '[DONE]'
  if (done) payloads.pop()
  const values = payloads.map((payload) => JSON.parse(payload) as object)
  const last = values.at(-1)
  const error = last && 'error' in last ? last.error : undefined
  if (error) values.pop()
  const chunks = values.map((value) => ChatCompletionChunk.parse(value))
  const text = chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')
  return { chunks, text, done, error }
}
