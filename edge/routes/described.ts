import type { z } from 'zod'
import { failures } from '../http.ts'

/** What a route says of itself that many say alike. */
export const security = [{ key: [] }]

export const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
})

/** How a route that asks a model may fail. */
export const askingFailures = () =>
  failures(
    'invalid',
    'key_reused',
    'unauthenticated',
    'model_not_found',
    'model_forbidden',
    'too_large',
    'unsupported_media',
    'rate_limited',
    'internal',
    'overloaded',
  )

/** One page, of up to one more than were asked for: that one tells that there are more. */
export function pageOf<T extends { id: string }>(found: readonly T[], limit: number) {
  const data = found.slice(0, limit)
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: found.length > data.length,
  }
}
