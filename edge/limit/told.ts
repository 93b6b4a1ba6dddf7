import { Failure } from '../../proto/failure.ts'
import type { Bucket, Meter, Reading, Scope, Verdict } from '../ports.ts'
import { duration } from './duration.ts'

/** Puts what is left on an answer. A meter without a limit has no headers. */
export function tellLimits(headers: Record<string, string>, verdict: Verdict): void {
  if (verdict.requests) put(headers, 'requests', verdict.requests)
  if (verdict.tokens) put(headers, 'tokens', verdict.tokens)
}

/** Of two buckets that a request meets one after the other, the one nearest to empty stays. */
function put(
  headers: Record<string, string>,
  meter: 'requests' | 'tokens',
  { limit, remaining, resetMs }: Reading,
): void {
  const told = headers[`x-ratelimit-remaining-${meter}`]
  if (meter === 'requests' && told !== undefined && Number(told) <= remaining) return
  headers[`x-ratelimit-limit-${meter}`] = String(limit)
  headers[`x-ratelimit-remaining-${meter}`] = String(remaining)
  headers[`x-ratelimit-reset-${meter}`] = duration(resetMs)
}

const whose: Record<Scope, string> = {
  user: 'This user',
  key: 'This key',
  project: 'This project',
  model: 'This project, with this model,',
}

const bounds: Record<Meter, (limit: number) => string> = {
  requests: (limit) => `may make ${counted(limit, 'request')} a minute`,
  tokens: (limit) => `may use ${counted(limit, 'token')} a minute`,
  streams: (limit) => `may have ${counted(limit, 'answer')} made at the same time`,
  audio: (limit) => `may use ${counted(limit, 'second')} of audio a minute`,
}

/** The 429 of one bucket: whose limit it is, how large, and when to come back. */
export function limitReached({ bucket, retryMs }: NonNullable<Verdict['refusal']>): Failure {
  const { meter } = bucket
  const when =
    meter === 'streams'
      ? 'Wait for one of them to end, then try again.'
      : `Try again in ${duration(retryMs)}.`
  return new Failure(
    meter === 'tokens' ? 'tokens_limited' : 'rate_limited',
    `${sizeOf(bucket)}. ${when}`,
    { retryAfterMs: retryMs },
  )
}

/** A request that would not pass if it were the only one: it is told so at once, and SDKs are told not to try again. */
export const neverFits = (bucket: Bucket, tokens: number, param: string): Failure =>
  new Failure(
    'tokens_limited',
    `${sizeOf(bucket)}, and this request alone asks for ${tokens}. Ask for less: lower ${param}, or send less text.`,
    { param },
  )

const sizeOf = ({ scope, meter, limit }: Bucket): string =>
  `${whose[scope]} ${bounds[meter](limit)}`
const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
