import type { Context } from 'hono'
import type { AppEnv } from '../http.ts'

/** Aborted when the client goes, also before its answer began. */
export function hangupOf(c: Context<AppEnv>): AbortController {
  const hangup = new AbortController()
  const { signal } = c.req.raw
  signal.addEventListener('abort', () => hangup.abort(), { once: true })
  // A listener hears nothing of what was over before it came.
  if (signal.aborted) hangup.abort()
  return hangup
}
