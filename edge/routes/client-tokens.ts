import { createRoute } from '@hono/zod-openapi'
import { ClientToken, NewClientToken } from '../../proto/client-token.ts'
import { missingScopes } from '../auth/require-route.ts'
import { failures, router } from '../http.ts'
import type { Ports } from '../ports.ts'
import { asked, told } from './admin-route.ts'

const create = createRoute({
  method: 'post',
  path: '/v1/client_tokens',
  tags: ['Client tokens'],
  summary: 'Make a token that a browser may show instead of a key, for an hour at most',
  description:
    'It opens what the key opens, or less, and ends with the key. It is shown this once, and makes no tokens of its own.',
  security: [{ key: [] }],
  request: { body: asked(NewClientToken) },
  responses: {
    201: told(ClientToken, 'The token'),
    ...failures('invalid', 'unauthenticated', 'forbidden', 'rate_limited'),
  },
})

export const clientTokenRoutes = ({ clientTokens }: Pick<Ports, 'clientTokens'>) =>
  router().openapi(create, async (c) => {
    const key = c.get('key')
    if (key.minted) throw missingScopes('client_tokens')
    const wanted = c.req.valid('json')
    // Whole seconds, as they are told; a secret that is being replaced takes its tokens with it.
    const endMs = Math.min(Date.now() + wanted.expires_in * 1000, key.expiresAtMs ?? Infinity)
    const expires = Math.floor(endMs / 1000)
    const token = await clientTokens.create(key.id, wanted, new Date(expires * 1000))
    return c.json({ object: 'client_token' as const, token, expires_at: expires }, 201, {
      ...c.var.headers,
      'cache-control': 'no-store',
    })
  })
