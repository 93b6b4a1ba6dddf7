import type { Context } from 'hono'
import type { JobId } from '../../proto/ids.ts'
import { monotonicMs } from '../clock.ts'
import type { AppEnv } from '../http.ts'

/** The headers of an answer that begins now. */
export function answered(c: Context<AppEnv>, id: JobId): Record<string, string> {
  const headers = c.get('headers')
  headers['x-generation-id'] = id
  headers['openai-processing-ms'] = String(Math.round(monotonicMs() - c.get('startedAtMs')))
  return headers
}
