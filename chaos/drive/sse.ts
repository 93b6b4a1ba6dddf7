import { z } from 'zod'

/** One event of a chat stream, as far as the rules speak of it. */
export interface Told {
  text: string
  position: number | null
  finish: string | null
  completionTokens: number | null
}

export type Sse = ({ kind: 'chunk' } & Told) | { kind: 'done' } | { kind: 'error'; code: string }

const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().optional() }),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: z.object({ completion_tokens: z.int() }).nullish(),
})
const Failed = z.object({ error: z.object({ code: z.string().nullable() }) })
const Position = /^job_[0-9a-f-]+:(\d+)$/

/** Reads an event stream as it comes in pieces, as strictly as its strictest reader: what it does not know, throws. */
export class SseReader {
  #rest = ''
  #data: string | undefined
  #id: string | undefined;

  *read(piece: string): Generator<Sse> {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('data: ')) this.#data = line.slice(6)
      else if (line.startsWith('id: ')) this.#id = line.slice(4)
      else if (line === '' && this.#data !== undefined) yield this.#event(this.#data)
      else if (line !== '' && line !== ':') throw new Error(`This is no line of events: ${line}`)
    }
  }

  #event(data: string): Sse {
    const id = this.#id
    this.#data = this.#id = undefined
    if (data === '[DONE]') return { kind: 'done' }
    const json: unknown = JSON.parse(data)
    const failed = Failed.safeParse(json)
    if (failed.success) return { kind: 'error', code: failed.data.error.code ?? 'unknown' }
    const { choices, usage } = Chunk.parse(json)
    return {
      kind: 'chunk',
      text: choices[0]?.delta.content ?? '',
      position: id === undefined ? null : positionIn(id),
      finish: choices[0]?.finish_reason ?? null,
      completionTokens: usage?.completion_tokens ?? null,
    }
  }
}

function positionIn(id: string): number {
  const [, position] = Position.exec(id) ?? []
  if (position === undefined) throw new Error(`This is no id of an event: ${id}`)
  return Number(position)
}
