import { z } from 'zod'

export interface ProbeOptions {
  /** Where the API is, without `/v1`: `http://127.0.0.1:8000`. */
  url: string
  key: string
  /** A model that chats. */
  model: string
}

/** One promise of the API that a client can see, and how to see it. It throws where the promise is not kept. */
export interface Check {
  id: string
  /** The promise, in words. */
  title: string
  run: (probe: Probe) => Promise<void>
}

export class Broken extends Error {
  override readonly name = 'Broken'
}

/** Says what was seen where something else was promised. */
export function expectTo(be: boolean, seen: string): asserts be {
  if (!be) throw new Broken(seen)
}

/** OpenAI's error object: all four keys, always. */
const ErrorBody = z.object({
  error: z.object({
    message: z.string().min(1),
    type: z.string().min(1),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})

/** Whatever may not reach a caller: stacks, sources, paths of the server. */
const INSIDES = /node_modules|file:\/\/|\bat \w+ \(|Traceback|\.py", line/

const PATIENCE_MS = 60_000

type Sent = Omit<RequestInit, 'body'> & { json?: unknown; raw?: string; key?: string | null }

/** An OpenAI-compatible API, asked with nothing but `fetch`: no SDK mends what it answers. */
export class Probe {
  readonly model: string
  readonly #url: string
  readonly #key: string

  constructor({ url, key, model }: ProbeOptions) {
    this.#url = url.replace(/\/+$/, '')
    this.#key = key
    this.model = model
  }

  fetch(path: string, { json, raw, key, ...init }: Sent = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const shown = key === undefined ? this.#key : key
    if (shown !== null) headers.set('authorization', `Bearer ${shown}`)
    const body = json === undefined ? raw : JSON.stringify(json)
    if (body !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json')
    return fetch(this.#url + path, {
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...init,
      headers,
      ...(body !== undefined && { body }),
    })
  }

  chat(more: object = {}): Promise<Response> {
    return this.fetch('/v1/chat/completions', { json: { ...this.hello(), ...more } })
  }

  hello(): { model: string; messages: object[]; max_tokens: number } {
    return { model: this.model, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 16 }
  }

  /** What came, where it must be fine and of this shape. */
  async fine<S extends z.ZodType>(shape: S, asked: Promise<Response>): Promise<z.infer<S>> {
    const response = await asked
    const text = await response.text()
    expectTo(response.ok, `it answered ${response.status}: ${text.slice(0, 300)}`)
    const read = shape.safeParse(jsonOf(text))
    if (read.success) return read.data
    throw new Broken(z.prettifyError(read.error))
  }

  /** What was refused, and how: the error object and nothing of the server's insides. */
  async refused(
    asked: Promise<Response>,
    ...statuses: number[]
  ): Promise<z.infer<typeof ErrorBody>['error']> {
    const response = await asked
    const text = await response.text()
    expectTo(
      statuses.includes(response.status),
      `it answered ${response.status}: ${text.slice(0, 300)}`,
    )
    const type = response.headers.get('content-type') ?? 'nothing'
    expectTo(type.startsWith('application/json'), `the error is ${type}`)
    expectTo(!INSIDES.test(text), `the error tells of insides: ${text.slice(0, 300)}`)
    const read = ErrorBody.safeParse(jsonOf(text))
    expectTo(read.success, `the body is no error object: ${text.slice(0, 300)}`)
    return read.data.error
  }
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Broken(`this is no JSON: ${text.slice(0, 300)}`)
  }
}
