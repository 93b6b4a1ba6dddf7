import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { Failure } from '../proto/failure.ts'
import { MAX_JOB_BYTES } from '../proto/job.ts'
import type { AppEnv } from './http.ts'

const within = bodyLimit({
  maxSize: MAX_JOB_BYTES,
  onError: () => {
    throw tooLarge()
  },
})

const tooLarge = (): Failure =>
  new Failure('too_large', `The body is larger than ${MAX_JOB_BYTES} bytes. Send a smaller one.`)

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
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type))
    throw new Failure(
      'unsupported_media',
      'Send the body as JSON, with the header "content-type: application/json".',
    )
  // The length is told by nearly everyone; counting a body as it comes costs a whole `Request` object.
  const length = Number(c.req.header('content-length') ?? Number.NaN)
  if (Number.isNaN(length) || c.req.header('transfer-encoding') !== undefined)
    return within(c, next)
  if (length > MAX_JOB_BYTES) throw tooLarge()
  await next()
})
