import { createMiddleware } from 'hono/factory'
import { Failure } from '../../proto/failure.ts'
import type { AppEnv } from '../http.ts'
import type { Limiter } from '../ports.ts'
import { askOfRequest } from './buckets.ts'
import { limitReached, tellLimits } from './told.ts'

/** Takes one request from the limits of the key and its project, and says on every answer what is left of them. */
export const limit = (limiter: Limiter) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const ask = askOfRequest(c.get('key'))
    const taken = limiter.take(ask)
    const verdict = taken instanceof Promise ? await taken : taken
    tellLimits(c.get('headers'), verdict)
    if (verdict.refusal) throw limitReached(verdict.refusal)
    await next()
    if (c.error instanceof Failure && isRefused(c.error)) limiter.refund(ask)
  })

/**
 * What another limit refuses for now takes nothing here either. What a budget refuses, or would never pass, is a request like any
 * other: were it free, it could be made without end.
 */
const isRefused = ({ code, retryAfterMs }: Failure): boolean =>
  (code === 'rate_limited' || code === 'tokens_limited') && retryAfterMs !== undefined
