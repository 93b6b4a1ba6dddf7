import { OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Failure, type FailureCode } from '../proto/failure.ts'
import type { Priority } from '../proto/job.ts'
import { ErrorBody } from '../proto/openai/error.ts'
import type { Address } from '../proto/cidr.ts'
import { errorOf } from './messages/error.ts'
import type { Key, Log } from './ports.ts'

/** A request of ours, for what a caller left to be done later. */
export interface Acting {
  /** Nothing where the key was revoked meanwhile. */
  key: Key | undefined
  priority: Priority
}

/** What the steps of a request leave for those that follow. */
export interface AppEnv {
  Bindings: {
    /** The client's, as far as the runtime's shell can vouch for it. */
    address?: () => Address | undefined
    /** Whom we act for ourselves, instead of a secret in a header. Nothing from outside comes here. */
    acting?: Acting
  }
  Variables: {
    key: Key
    requestId: string
    startedAtMs: number
    log: Log
    /** Headers of the answer, whatever it is. A plain object: hono's own would build a `Headers` for every request. */
    headers: Record<string, string>
  }
}

/** A router whose requests have been checked against their schema before a handler sees them. */
export const router = () =>
  new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.error.issues)
    },
  })

/** The one place where a thing thrown becomes a response. */
export function respond(thrown: unknown, c: Context<AppEnv>): Response {
  const failure = c.req.raw.signal.aborted
    ? new Failure('cancelled', 'The request was cancelled.', { cause: thrown })
    : thrown instanceof HTTPException
      ? ofHono(thrown)
      : Failure.from(thrown)
  if (failure.status >= 500)
    c.var.log?.error(
      { requestId: c.var.requestId, code: failure.code, cause: failure.cause },
      failure.message,
    )
  const headers = { ...c.var.headers }
  if (failure.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(failure.retryAfterMs / 1000))
    headers['retry-after-ms'] = String(Math.ceil(failure.retryAfterMs))
  }
  if (failure.shouldRetry !== undefined) headers['x-should-retry'] = String(failure.shouldRetry)
  const status = failure.status as ContentfulStatusCode
  if (!c.req.path.startsWith('/v1/messages')) return c.json(failure.toOpenAi(), status, headers)
  headers['request-id'] = c.var.requestId
  return c.json(errorOf(failure, c.var.requestId), status, headers)
}

/** The rows of an OpenAPI `responses` for the failures a route can answer with. */
export function failures(...codes: FailureCode[]) {
  const content = { 'application/json': { schema: ErrorBody } }
  return Object.fromEntries(
    codes.map((code) => [
      new Failure(code, '').status,
      { description: code.replaceAll('_', ' '), content },
    ]),
  )
}

/** What hono itself refuses: a body that is no JSON. Its own text is not for strangers. */
function ofHono(thrown: HTTPException): Failure {
  if (thrown.status === 400)
    return new Failure('invalid', 'The body is not valid JSON. Send one JSON object.', {
      cause: thrown,
    })
  return new Failure('internal', 'Something went wrong on our side.', { cause: thrown })
}

/** The first fault, by the name the caller gave the field: `messages[0].content`. */
function invalid(issues: readonly z.core.$ZodIssue[]): Failure {
  const [issue] = issues
  const deepest = issue?.code === 'invalid_union' ? bestOf(issue) : issue
  const path = [...(issue?.path ?? []), ...(deepest === issue ? [] : (deepest?.path ?? []))]
  const param = path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : text
          ? `${text}.${String(part)}`
          : String(part),
    '',
  )
  const said = deepest?.message ?? 'Invalid request'
  const what = said.replace(
    /^Invalid input: (expected .*), received undefined$/,
    'it is required ($1)',
  )
  if (!param) return new Failure('invalid', `${what}. Send one JSON object.`)
  return new Failure('invalid', `Invalid '${param}': ${what}`, { param })
}

/** Of the branches of a union, the issue of the one that got furthest; a union with its own text speaks for itself. */
function bestOf(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue {
  if (issue.message !== 'Invalid input') return issue
  const first = issue.errors.map(([head]) => head).filter((head) => head !== undefined)
  return first.toSorted((a, b) => b.path.length - a.path.length)[0] ?? issue
}
