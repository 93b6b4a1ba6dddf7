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
    // What another limit refuses further in takes nothing here either.
    if (c.error instanceof Failure && c.error.status === 429) limiter.refund(ask)
  })
