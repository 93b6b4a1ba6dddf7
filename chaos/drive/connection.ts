import { request, type IncomingMessage } from 'node:http'
import type { Ending } from '../history.ts'
import { SseReader, type Told } from './sse.ts'

export interface Wish {
  url: string
  method: 'GET' | 'POST' | 'DELETE'
  headers: Record<string, string>
  body?: string
  /** Nothing heard for so long, not even a sign of life, and the client goes elsewhere. */
  stallMs: number
}

export interface Outcome {
  how: Ending
  status: number | null
  code: string | null
}

export interface Listener {
  opened: (headers: IncomingMessage['headers']) => void
  /** What the client does after this event. */
  told: (event: Told) => 'stay' | 'leave' | 'drop'
}

/** One request and its stream of events, until it ends in whichever way. Never throws. */
export function connection(wish: Wish, listener: Listener): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  let status: number | null = null
  const sent = request(wish.url, { method: wish.method, agent: false, headers: headersOf(wish) })
  const over = (how: Ending, code: string | null = null): void => {
    clearTimeout(stalled)
    resolve({ how, status, code })
    sent.destroy()
  }
  let stalled = setTimeout(() => over('stalled'), wish.stallMs)
  const alive = (): void => {
    clearTimeout(stalled)
    stalled = setTimeout(() => over('stalled'), wish.stallMs)
  }
  // Without a status nothing was promised yet.
  const broke = (error: Error): void =>
    over(status === null ? 'unreachable' : 'cut', 'code' in error ? String(error.code) : null)
  sent.on('error', broke)
  sent.on('response', (response) => {
    status = response.statusCode ?? 0
    alive()
    response.setEncoding('utf8')
    response.on('error', broke)
    if (status !== 200) return void refusal(response).then((code) => over('refused', code))
    listener.opened(response.headers)
    const reader = new SseReader()
    let ended: [Ending, string | null] = ['silent', null]
    response.on('data', (piece: string) => {
      alive()
      try {
        for (const event of reader.read(piece)) {
          if (event.kind === 'done') ended = ['done', null]
          else if (event.kind === 'error') ended = ['error', event.code]
          else {
            const next = listener.told(event)
            if (next !== 'stay') return over(next === 'leave' ? 'left' : 'dropped')
          }
        }
      } catch (thrown) {
        ended = ['silent', thrown instanceof Error ? thrown.message : 'unreadable']
      }
    })
    response.on('end', () => over(...ended))
  })
  sent.end(wish.body)
  return promise
}

const headersOf = ({ headers, body }: Wish): Record<string, string> =>
  body === undefined
    ? headers
    : {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      }

/** The code in an answer that is not 200. */
async function refusal(response: IncomingMessage): Promise<string | null> {
  let text = ''
  try {
    for await (const piece of response) text += String(piece)
    const body = JSON.parse(text) as { error?: { code?: string | null } }
    return body.error?.code ?? null
  } catch {
    return null
  }
}
