import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Failure, type FailureCode } from '../../proto/failure.ts'

export const KEY = 'sk-june-of-the-test'

const PAGE = new URL('../../edge/page/index.html', import.meta.url)
const MODELS = [
  { id: 'june-embed', object: 'model', kind: 'embed' },
  ...['echo', 'june-chat', 'other'].map((id) => ({ id, object: 'model', kind: 'chat' })),
]

/** One question as the server heard it, and the hand that answers it. */
export class Asked {
  readonly authorization: string | undefined
  readonly messages: { role: string; content: string }[]
  readonly model: string
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, body: string, response: ServerResponse) {
    const { messages, model } = JSON.parse(body) as Pick<Asked, 'messages' | 'model'>
    this.authorization = request.headers.authorization
    this.messages = messages
    this.model = model
    this.#response = response
  }

  get question(): string | undefined {
    return this.messages.at(-1)?.content
  }

  /** Whether the asker hung up before the answer was whole. */
  get hungUp(): boolean {
    return this.#response.closed && !this.#response.writableFinished
  }

  open(): this {
    this.#response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    this.raw(':\n')
    return this.event({ role: 'assistant', content: '' })
  }

  /** Words, each in an event of its own. */
  say(words: string): this {
    for (const content of words.match(/\s*\S+/g) ?? []) this.event({ content })
    return this
  }

  event(delta: object, finish: string | null = null): this {
    const chunk = { choices: [{ index: 0, delta, finish_reason: finish }], usage: null }
    return this.raw(`data: ${JSON.stringify(chunk)}\n\n`)
  }

  raw(bytes: string | Uint8Array): this {
    this.#response.write(bytes)
    return this
  }

  finish(): void {
    this.event({}, 'stop')
    const usage = { prompt_tokens: 3, completion_tokens: 12, total_tokens: 15 }
    this.raw(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`)
    this.end()
  }

  /** A clean end, whole or not. */
  end(): void {
    this.#response.end()
  }

  /** The connection is gone in the middle. */
  drop(): void {
    this.#response.destroy()
  }

  fail(code: FailureCode, message: string): void {
    this.raw(`data: ${JSON.stringify(new Failure(code, message).toOpenAi())}\n\n`)
    this.end()
  }

  refuse(code: FailureCode, message: string, headers: Record<string, string> = {}): void {
    refuse(this.#response, new Failure(code, message), headers)
  }
}

/** Serves the page, and speaks as edge/stream/chat-events.ts does; each test holds the answering hand itself. */
export class StandIn {
  readonly asked: Asked[] = []
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (body: object): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(await readFile(PAGE))
      return
    }
    if (request.url === '/ready') return json({ status: 'ready' })
    if (request.headers.authorization !== `Bearer ${KEY}`)
      return refuse(response, new Failure('unauthenticated', 'This API key is unknown.'))
    if (request.url === '/v1/models') return json({ object: 'list', data: MODELS })
    this.asked.push(new Asked(request, await text(request), response))
  }
}

function refuse(
  response: ServerResponse,
  failure: Failure,
  headers: Record<string, string> = {},
): void {
  response.writeHead(failure.status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(failure.toOpenAi()))
}
