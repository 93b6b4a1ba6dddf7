import type { Context } from 'hono'
import type { Priority } from '../../proto/job.ts'
import type { AppEnv } from '../http.ts'
import { onceKeyOf } from '../idempotency.ts'
import type { Key, OnceKey } from '../ports.ts'
import { cacheUseOf, type CacheUse } from './caching.ts'
import { wantsResume } from './wants-resume.ts'

/** Who asks, and how: by a request of this moment, or by one that was left for later. */
export interface Asker {
  key: Key
  priority: Priority
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal
  /** The answer goes on without its reader, and is kept for whoever comes back. */
  resumable: boolean
  /** It ends with who waits for it all the same, unless that is for a moment. */
  endsWithReader?: boolean
  /** It must not be carried out twice. */
  once?: OnceKey
  /** What it wants of the response cache of its project, if that has one. */
  cache?: CacheUse
  /** Of the response: what the admission has to tell of it is put here. */
  headers: Record<string, string>
}

/** Who asks by this request, by its key and its headers. `route` is the path that an idempotency key belongs to. */
export async function askerOf(
  c: Context<AppEnv>,
  { route, signal }: { route: string; signal: AbortSignal },
): Promise<Asker> {
  const key = c.get('key')
  const header = c.req.header('idempotency-key')
  const once = await onceKeyOf(header, {
    tenant: key.project,
    route,
    body: header && (await c.req.json()),
  })
  return {
    key,
    priority: c.env.acting?.priority ?? 'default',
    signal,
    resumable: wantsResume(c.req.header('x-stream-resume')),
    headers: c.get('headers'),
    cache: cacheUseOf(c.req.header('x-cache')),
    ...(once && { once }),
    ...(c.env.acting && { endsWithReader: true }),
  }
}
