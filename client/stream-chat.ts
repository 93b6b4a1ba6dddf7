import { createParser } from 'eventsource-parser'
import type { z } from 'zod'
import { Failure } from '../proto/failure.ts'
import { ChatCompletionChunk, type ChatRequest } from '../proto/openai/chat.ts'
import { ErrorBody } from '../proto/openai/error.ts'
import { Refused } from './june-client.ts'

export interface Gateways {
  /** Any of them will do, at any time: `http://127.0.0.1:8000`. The first is tried first. */
  urls: readonly string[]
  key: string
}

export interface StreamOptions {
  signal?: AbortSignal
  /** How long nothing may come before it is given up. */
  patienceMs?: number
  /** Told before each further attempt. */
  onReconnect?: (cause: unknown) => void
}

export interface ChatEvent {
  chunk: ChatCompletionChunk
  /** The answer, by which any gateway knows it. */
  job: string
}

const PATIENCE_MS = 30_000
/** A gateway that has nothing to say says so every second. */
const SILENT_MS = 4_000
const FIRST_WAIT_MS = 20
const LONGEST_WAIT_MS = 1_000
/** What a gateway or what stands before it says when it cannot just now. */
const AGAIN_STATUS = new Set([408, 425, 500, 502, 503, 504])

/**
 * A chat answer, chunk by chunk, each exactly once, over whatever gateways live: where a connection breaks it reads on at
 * the next, from the last event it saw. Until it saw one it asks again under one idempotency key, so the answer is made
 * once. Throws `Refused` where a gateway says no, and a `Failure` where nobody answers for `patienceMs`.
 */
export async function* streamChat(
  gateways: Gateways,
  request: Omit<z.input<typeof ChatRequest>, 'stream'>,
  { signal, patienceMs = PATIENCE_MS, onReconnect }: StreamOptions = {},
): AsyncGenerator<ChatEvent> {
  const once = crypto.randomUUID()
  const body = JSON.stringify({ ...request, stream: true })
  let lastId: string | undefined
  let job = ''
  let quietSinceMs = performance.now()
  let waitMs = FIRST_WAIT_MS
  for (let turn = 0; ; turn++) {
    using silence = new Silence()
    const url = gateways.urls[turn % gateways.urls.length]?.replace(/\/+$/, '') ?? ''
    try {
      const headers = {
        authorization: `Bearer ${gateways.key}`,
        'content-type': 'application/json',
        'x-stream-resume': '1',
        ...(lastId === undefined ? { 'idempotency-key': once } : { 'last-event-id': lastId }),
      }
      const init = { method: 'POST', headers, body, signal: silence.within(signal) }
      const response = await fetch(`${url}/v1/chat/completions`, init)
      if (!response.ok) throw await refusalOf(response)
      job = response.headers.get('x-generation-id') ?? job
      for await (const { id, data } of eventsIn(response, silence)) {
        if (data === '[DONE]') return
        const said: unknown = JSON.parse(data)
        const error = ErrorBody.safeParse(said)
        if (error.success) throw new Refused(0, error.data.error)
        lastId = id ?? lastId
        quietSinceMs = performance.now()
        waitMs = FIRST_WAIT_MS
        yield { chunk: ChatCompletionChunk.parse(said), job }
      }
      throw new Error('the stream ended without [DONE]')
    } catch (cause) {
      if (signal?.aborted || !isWorthAnother(cause)) throw cause
      if (performance.now() - quietSinceMs > patienceMs)
        throw new Failure('unavailable', 'No gateway could go on with the answer.', { cause })
      onReconnect?.(cause)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
    }
  }
}

/** Ends an attempt at which nothing came for too long: a gateway that is frozen keeps its connections. */
class Silence implements Disposable {
  readonly #abort = new AbortController()
  #timer = this.#start()

  within(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#abort.signal]) : this.#abort.signal
  }

  pause(): void {
    clearTimeout(this.#timer)
  }

  begin(): void {
    this.#timer = this.#start()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#abort.abort(new Error('nothing came')), SILENT_MS)
  }
}

async function* eventsIn(
  response: Response,
  silence: Silence,
): AsyncGenerator<{ id: string | undefined; data: string }> {
  const events: { id: string | undefined; data: string }[] = []
  const parser = createParser({ onEvent: ({ id, data }) => void events.push({ id, data }) })
  const text = new TextDecoder()
  for await (const bytes of response.body ?? []) {
    // What its reader takes its time for is not the gateway's silence.
    silence.pause()
    parser.feed(text.decode(bytes, { stream: true }))
    yield* events.splice(0)
    silence.begin()
  }
}

async function refusalOf(response: Response): Promise<Refused> {
  const body = ErrorBody.safeParse(await response.json().catch(() => undefined))
  const message = `The gateway answered ${response.status} without saying why.`
  return new Refused(
    response.status,
    body.success ? body.data.error : { message, type: 'unknown', param: null, code: null },
  )
}

/** A cut connection, and what may be better elsewhere or in a moment. An error event says its code. */
function isWorthAnother(cause: unknown): boolean {
  if (!(cause instanceof Refused)) return true
  return AGAIN_STATUS.has(cause.status) || cause.code === 'service_unavailable'
}
