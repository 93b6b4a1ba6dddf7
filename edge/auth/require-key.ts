import { createMiddleware } from 'hono/factory'
import { Failure } from '../../proto/failure.ts'
import type { KeyScope } from '../../proto/admin.ts'
import type { AppEnv } from '../http.ts'
import type { Keys } from '../ports.ts'

/** Lets through who shows a key of this scope. An admin key opens developer routes too. */
export const requireKey = (keys: Keys, scope: KeyScope) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const header = c.req.header('authorization')
    const secret = bearer(header)
    const key = secret && (await keys.find(secret))
    if (!key)
      throw new Failure(
        'unauthenticated',
        secret
          ? 'This API key is unknown or was revoked. Ask the operator for another.'
          : header
            ? 'The Authorization header holds no API key. Send "Authorization: Bearer <key>".'
            : 'No API key was sent. Send "Authorization: Bearer <key>".',
      )
    if (scope === 'admin' && key.scope !== 'admin')
      throw new Failure(
        'forbidden',
        'You have insufficient permissions for this operation. Missing scopes: admin.',
      )
    c.set('key', key)
    await next()
  })

/** Bounded, so that a header of 16 kB is no key to look for. */
const MAX_SECRET_LENGTH = 200

function bearer(header: string | undefined): string | undefined {
  const [scheme, secret, ...rest] = header?.trim().split(/\s+/) ?? []
  if (scheme?.toLowerCase() !== 'bearer' || !secret || rest.length > 0) return undefined
  return secret.length <= MAX_SECRET_LENGTH ? secret : undefined
}
