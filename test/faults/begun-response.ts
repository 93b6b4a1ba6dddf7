import type { StackFixture } from '../../infra/testing/start-stack.ts'

export interface ResponseEvent {
  type: string
  sequence_number: number
  delta?: string
  response?: { id: string; status: string }
}

/** A streamed response whose reader has so many events, and whose connection then breaks when its gateway does. */
export async function begunResponse(
  { run: { key } }: StackFixture,
  { url, body, events: many }: { url: string; body: object; events: number },
): Promise<{ id: string; seen: ResponseEvent[] }> {
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (eventsIn(text).length < many) {
    const read = await reader?.read()
    if (!read || read.done) throw new Error(`the response was over after: ${text}`)
    text += read.value
  }
  // Held open: nobody but the gateway ends it.
  void reader?.closed.catch(() => undefined)
  const seen = eventsIn(text)
  return { id: String(seen[0]?.response?.id), seen }
}

/** Whole events, in the order they came. */
export const eventsIn = (text: string): ResponseEvent[] =>
  Array.from(text.matchAll(/^data: (.+)\n\n/gm), ([, data]) =>
    JSON.parse(String(data)),
  ) as ResponseEvent[]
