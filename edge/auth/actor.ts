import type { Context } from 'hono'
import { Failure } from '../../proto/failure.ts'
import type { AppEnv } from '../http.ts'
import type { Actor, Domain, Key } from '../ports.ts'

/** Who acts by this request, for the audit log and for what it may touch. */
export function actorOf(c: Context<AppEnv>): Actor {
  const key = c.get('key')
  const { organisation, project } = key
  return {
    key: key.id,
    domain: domainOf(key),
    home: { organisation, project },
    requestId: c.get('requestId'),
    address: c.env.address?.()?.toString() ?? null,
  }
}

/** What an admin key may manage, seen from where it belongs. */
export function domainOf({ reach, organisation, project }: Key): Domain {
  switch (reach) {
    case 'deployment':
      return { organisation: null, project: null }
    case 'organisation':
      return { organisation, project: null }
    case 'project':
      return { organisation, project }
    case null:
      throw new Failure('forbidden', 'This key manages nothing: it is no admin key.')
  }
}
