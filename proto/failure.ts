import { z } from 'zod'

export const FailureCode = z.enum([
  'invalid',
  'context_too_long',
  'unauthenticated',
  'forbidden',
  'ip_not_authorized',
  'model_forbidden',
  'not_found',
  'model_not_found',
  'previous_response_not_found',
  'method_not_allowed',
  'too_large',
  'unsupported_media',
  'key_reused',
  'rate_limited',
  'insufficient_quota',
  'tokens_limited',
  'cancelled',
  'internal',
  'engine_failed',
  'poisoned',
  'overloaded',
  'unavailable',
  'expired',
])
export type FailureCode = z.infer<typeof FailureCode>

interface Meaning {
  status: number
  /** `error.type` of the body, in OpenAI's vocabulary. */
  type: string
  /** `error.code` of the body, where OpenAI has one or clients need one. */
  wire: string | null
  /** What `x-should-retry` says, which OpenAI's SDKs obey before anything else; absent where they judge by the status. */
  retry?: boolean
}

const REQUEST = 'invalid_request_error'
const CAPACITY = 'service_unavailable_error'

/** What a caller may conclude from a code. The record is total: a new code does not compile without its row. */
const meaning: Record<FailureCode, Meaning> = {
  invalid: { status: 400, type: REQUEST, wire: null },
  context_too_long: {
    status: 400,
    type: REQUEST,
    wire: 'context_length_exceeded',
  },
  unauthenticated: { status: 401, type: REQUEST, wire: 'invalid_api_key' },
  forbidden: { status: 403, type: REQUEST, wire: 'missing_scope' },
  ip_not_authorized: { status: 403, type: REQUEST, wire: 'ip_not_authorized' },
  // As OpenAI has it: whether the model is there is no business of who may not use it.
  model_forbidden: { status: 403, type: REQUEST, wire: 'model_not_found' },
  not_found: { status: 404, type: REQUEST, wire: null },
  model_not_found: { status: 404, type: REQUEST, wire: 'model_not_found' },
  previous_response_not_found: {
    status: 400,
    type: REQUEST,
    wire: 'previous_response_not_found',
  },
  method_not_allowed: { status: 405, type: REQUEST, wire: null },
  too_large: { status: 413, type: REQUEST, wire: null },
  unsupported_media: { status: 415, type: REQUEST, wire: null },
  key_reused: { status: 422, type: REQUEST, wire: 'idempotency_key_reused' },
  rate_limited: { status: 429, type: 'requests', wire: 'rate_limit_exceeded' },
  insufficient_quota: {
    status: 429,
    type: 'insufficient_quota',
    wire: 'insufficient_quota',
    retry: false,
  },
  // Told with no time to come back, it is a request that never fits.
  tokens_limited: { status: 429, type: 'tokens', wire: 'rate_limit_exceeded', retry: false },
  cancelled: { status: 499, type: REQUEST, wire: 'cancelled' },
  internal: { status: 500, type: 'server_error', wire: null },
  engine_failed: { status: 500, type: 'server_error', wire: 'engine_failed' },
  poisoned: { status: 500, type: 'server_error', wire: 'job_poisoned', retry: false },
  overloaded: { status: 503, type: CAPACITY, wire: 'server_is_overloaded' },
  unavailable: { status: 503, type: CAPACITY, wire: 'service_unavailable' },
  expired: { status: 503, type: CAPACITY, wire: 'queue_deadline' },
}

/** A failure as it crosses a thread or the bus. */
export const FailureBody = z.object({
  code: FailureCode,
  message: z.string(),
  param: z.string().nullable(),
})
export type FailureBody = z.infer<typeof FailureBody>

export interface FailureOptions extends ErrorOptions {
  /** The field of the request that is at fault. */
  param?: string
  /** When trying again may work, in milliseconds from now. */
  retryAfterMs?: number
}

/** OpenAI's SDKs wait no longer than this: what takes more they would ask for again too soon, twice, and give up. */
const PATIENCE_MS = 60_000

/** `message` is written for the caller and crosses the wire. `cause` is for our logs and never does. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly param: string | null
  readonly retryAfterMs: number | undefined

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options)
    this.code = code
    this.param = options.param ?? null
    this.retryAfterMs = options.retryAfterMs
  }

  get status(): number {
    return meaning[this.code].status
  }

  /** Whether a client should send the same again by itself; nothing where the status says it. */
  get shouldRetry(): boolean | undefined {
    if (this.retryAfterMs !== undefined) return this.retryAfterMs <= PATIENCE_MS
    return meaning[this.code].retry
  }

  toJSON(): FailureBody {
    return { code: this.code, message: this.message, param: this.param }
  }

  /** OpenAI's error object: all four keys, always. */
  toOpenAi(): {
    error: { message: string; type: string; param: string | null; code: string | null }
  } {
    const { type, wire } = meaning[this.code]
    return { error: { message: this.message, type, param: this.param, code: wire } }
  }

  static of({ code, message, param }: FailureBody): Failure {
    return new Failure(code, message, param === null ? {} : { param })
  }

  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown
    const name = thrown instanceof Error ? thrown.name : ''
    if (name === 'AbortError')
      return new Failure('cancelled', 'The request was cancelled.', { cause: thrown })
    return new Failure('internal', 'Something went wrong on our side.', { cause: thrown })
  }
}
