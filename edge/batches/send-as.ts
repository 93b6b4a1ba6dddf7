import { monotonicMs } from '../clock.ts'
import type { Acting } from '../http.ts'
import type { Key } from '../ports.ts'
import type { HeldBatch } from './batch-work.ts'
import type { Send } from './carry-out.ts'

/** How long a revoked key's batch may go on. */
const KEY_MS = 1_000

interface App {
  fetch(request: Request, env: { acting: Acting }): Response | Promise<Response>
}

/** Requests of a batch to our own routes, as its key would send them: with its limits, its budgets and its bounds. */
export const sendAs =
  (app: () => App, keyOf: (id: HeldBatch['key']) => Promise<Key | undefined>) =>
  ({ key: id }: HeldBatch): Send => {
    let known: { key: Key | undefined; untilMs: number } | undefined
    return async (url, init) => {
      if (!known || monotonicMs() > known.untilMs)
        known = { key: await keyOf(id), untilMs: monotonicMs() + KEY_MS }
      const request = new Request(`http://june.internal${url}`, { method: 'POST', ...init })
      return app().fetch(request, { acting: { key: known.key, priority: 'batch' } })
    }
  }
