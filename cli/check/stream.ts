import { z } from 'zod'
import { Broken, expectTo, jsonOf, type Probe } from './probe.ts'

const Choice = z.object({
  index: z.int(),
  delta: z.looseObject({ role: z.string().nullish(), content: z.string().nullish() }),
  finish_reason: z.string().nullish(),
})
const Chunk = z.object({
  id: z.string().min(1),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z.array(Choice),
  usage: z.looseObject({ total_tokens: z.int() }).nullish(),
})
export type Chunk = z.infer<typeof Chunk>

export interface Streamed {
  headers: Headers
  chunks: Chunk[]
  /** Whether `[DONE]` was the last event. */
  done: boolean
  text: string
}

/** Streams a chat and reads it as strictly as the strictest parser in use: openai-python dies of anything else. */
export async function streamed(probe: Probe, more: object = {}): Promise<Streamed> {
  const response = await probe.chat({ ...more, stream: true })
  const body = await response.text()
  expectTo(response.ok, `it answered ${response.status}: ${body.slice(0, 300)}`)
  const payloads = payloadsOf(body)
  const done = payloads.at(-1) === '[DONE]'
  if (done) payloads.pop()
  const chunks = payloads.map((payload) => {
    const read = Chunk.safeParse(jsonOf(payload))
    if (read.success) return read.data
    throw new Broken(`${payload.slice(0, 200)} is no chunk: ${z.prettifyError(read.error)}`)
  })
  const text = chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')
  return { headers: response.headers, chunks, done, text }
}

function payloadsOf(body: string): string[] {
  const blocks = body.replaceAll('\r\n', '\n').replaceAll(/^:\n/gm, '').split('\n\n')
  expectTo(blocks.pop() === '', 'the stream does not end after a blank line')
  return blocks.map((block) => {
    expectTo(
      block.startsWith('data: ') && !block.includes('\n'),
      `a client that reads strictly takes this for no event: ${JSON.stringify(block.slice(0, 200))}`,
    )
    return block.slice('data: '.length)
  })
}
