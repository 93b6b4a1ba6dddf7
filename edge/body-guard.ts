import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { Failure } from '../proto/failure.ts'
import { MAX_JOB_BYTES } from '../proto/job.ts'
import { MAX_FILE_BYTES } from '../proto/openai/files.ts'
import type { AppEnv } from './http.ts'

interface Body {
  maxBytes: number
  type: RegExp
  /** How to send another. */
  wanted: string
  /** Counts a body that does not say how long it is. */
  counted: MiddlewareHandler
}

const bodyOf = ({ maxBytes, type, wanted }: Omit<Body, 'counted'>): Body => ({
  maxBytes,
  type,
  wanted,
  counted: bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw tooLarge(maxBytes)
    },
  }),
})

const JSON_BODY = bodyOf({
  maxBytes: MAX_JOB_BYTES,
  type: /^application\/([\w.+-]+\+)?json\b/i,
  wanted: 'Send the body as JSON, with the header "content-type: application/json".',
})

/** Room for the form around the file. */
const FORM_BYTES = 64 * 1024
const FORM_BODY = bodyOf({
  maxBytes: MAX_FILE_BYTES + FORM_BYTES,
  type: /^multipart\/form-data\b/i,
  wanted: 'Send the file as a form, with the header "content-type: multipart/form-data".',
})

const tooLarge = (maxBytes: number): Failure =>
  new Failure('too_large', `The body is larger than ${maxBytes} bytes. Send a smaller one.`)

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** Refuses a body by its size and its type before anyone reads it. */
export const bodyGuard = createMiddleware<AppEnv>(async (c, next) => {
  if (!WITH_BODY.has(c.req.method)) {
    await next()
    return undefined
  }
  // What an SDK sends where a route takes no body.
  if (c.req.header('content-length') === '0') {
    await next()
    return undefined
  }
  const body = c.req.path === '/v1/files' ? FORM_BODY : JSON_BODY
  if (!body.type.test(c.req.header('content-type') ?? ''))
    throw new Failure('unsupported_media', body.wanted)
  // The length is told by nearly everyone; counting a body as it comes costs a whole `Request` object.
  const length = Number(c.req.header('content-length') ?? Number.NaN)
  if (Number.isNaN(length) || c.req.header('transfer-encoding') !== undefined)
    return body.counted(c, next)
  if (length > body.maxBytes) throw tooLarge(body.maxBytes)
  await next()
})
