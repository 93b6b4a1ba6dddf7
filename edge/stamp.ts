import { createMiddleware } from 'hono/factory'
import { newRequestId } from '../proto/ids.ts'
import { monotonicMs } from './clock.ts'
import type { AppEnv } from './http.ts'
import type { Log } from './ports.ts'

/** What a browser's script may read of an answer. */
const EXPOSED = [
  'x-request-id',
  'x-generation-id',
  'x-cache',
  'idempotency-replayed',
  'openai-processing-ms',
  'openai-version',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
  'x-queue-position',
  'x-queue-eta-ms',
  'x-cache',
].join(',')

/** Gives a request its id and its clock, and every answer the headers that browsers and OpenAI's SDKs read. */
export const stamp = (log: Log) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const requestId = newRequestId()
    c.set('requestId', requestId)
    c.set('startedAtMs', monotonicMs())
    c.set('log', log)
    c.set('headers', {
      'x-request-id': requestId,
      'openai-version': '2020-10-01',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': EXPOSED,
    })
    await next()
  })
