import type { z } from 'zod'
import type { MessagesError } from '../../proto/anthropic/messages.ts'
import type { Failure } from '../../proto/failure.ts'

/** Anthropic's word for a status: its SDKs choose the error class by the status alone, people read this. */
const types: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
}

/** A failure as Anthropic's clients read it. */
export function errorOf(failure: Failure, requestId: string): z.infer<typeof MessagesError> {
  const { message, param, code } = failure.toOpenAi().error
  const other = failure.status < 500 ? 'invalid_request_error' : 'api_error'
  const type = types[failure.status] ?? other
  return { type: 'error', error: { type, message, param, code }, request_id: requestId }
}
