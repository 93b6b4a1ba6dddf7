import { createMiddleware } from 'hono/factory'
import { Failure } from '../../proto/failure.ts'
import type { AppEnv } from '../http.ts'
import type { Limiter } from '../ports.ts'

/** Takes one request from the key's limit, and says on every answer what is left of it. */
export const limit = (limiter: Limiter) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const taken = limiter.take(c.get('key'))
    const verdict = taken instanceof Promise ? await taken : taken
    const headers = c.get('headers')
    headers['x-ratelimit-limit-requests'] = String(verdict.limit)
    headers['x-ratelimit-remaining-requests'] = String(verdict.remaining)
    headers['x-ratelimit-reset-requests'] = duration(verdict.resetMs)
    if (!verdict.ok)
      throw new Failure(
        'rate_limited',
        `This key may make ${verdict.limit} requests a minute. Try again in ${duration(verdict.retryMs)}.`,
        { retryAfterMs: verdict.retryMs },
      )
    await next()
  })

/** As OpenAI writes them: `12ms`, `1s`, `6m0s`. */
export function duration(exactMs: number): string {
  // 12,000.000000000002 is what a clock with fractions makes of twelve seconds.
  const ms = Math.round(exactMs)
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds % 60}s`
}
