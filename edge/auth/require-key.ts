import { createMiddleware } from 'hono/factory'
import { isWithin, type Address } from '../../proto/cidr.ts'
import { Failure } from '../../proto/failure.ts'
import type { KeyScope } from '../../proto/admin.ts'
import type { AppEnv } from '../http.ts'
import type { Key, Keys } from '../ports.ts'
import { missingScopes, requireRoute } from './require-route.ts'

/** Lets through who shows a key of this scope, from where and for what it was given. An admin key opens developer routes too. */
export const requireKey = (keys: Keys, scope: KeyScope) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const header = c.req.header('authorization')
    // The second is how Anthropic's clients show a key.
    const secret = header === undefined ? c.req.header('x-api-key') : bearer(header)
    const { acting } = c.env
    const key = acting ? acting.key : secret && (await keys.find(secret))
    if (!key)
      throw new Failure(
        'unauthenticated',
        secret || acting
          ? 'This API key is unknown or was revoked. Ask the operator for another.'
          : header
            ? 'The Authorization header holds no API key. Send "Authorization: Bearer <key>".'
            : 'No API key was sent. Send "Authorization: Bearer <key>".',
      )
    requireTime(key)
    if (!acting) requireAddress(key, c.env.address)
    if (scope === 'admin' && key.scope !== 'admin') throw missingScopes('admin')
    if (scope === 'developer') requireRoute(key, c.req.path)
    c.set('key', key)
    await next()
  })

/** Lets through who manages everything. */
export const requireDeployment = createMiddleware<AppEnv>(async (c, next) => {
  if (c.get('key').reach !== 'deployment') throw missingScopes('admin.deployment')
  await next()
})

/** Held against the clock here, at each request: a key that is remembered expires to the millisecond. */
function requireTime({ expiresAtMs }: Key): void {
  if (expiresAtMs === null || Date.now() < expiresAtMs) return
  const at = new Date(expiresAtMs).toISOString()
  throw new Failure(
    'unauthenticated',
    `This API key expired at ${at}. Ask the operator for another.`,
  )
}

function requireAddress({ cidrs }: Key, addressOf: (() => Address | undefined) | undefined): void {
  if (cidrs === null) return
  const address = addressOf?.()
  if (address && isWithin(address, cidrs)) return
  throw new Failure(
    'ip_not_authorized',
    address
      ? `Your IP address ${address.toString()} is not authorized to use this key. Ask the operator to add it.`
      : 'This key may be used from certain IP addresses only, and yours is not known here.',
  )
}

/** Bounded, so that a header of 16 kB is no key to look for. */
const MAX_SECRET_LENGTH = 4_096

function bearer(header: string | undefined): string | undefined {
  const [scheme, secret, ...rest] = header?.trim().split(/\s+/) ?? []
  if (scheme?.toLowerCase() !== 'bearer' || !secret || rest.length > 0) return undefined
  return secret.length <= MAX_SECRET_LENGTH ? secret : undefined
}
