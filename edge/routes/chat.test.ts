import { describe, expect, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { GatewayId, newKeyId } from '../../proto/ids.ts'
import { respond, router } from '../http.ts'
import type { Answers, Catalogue, Key, Log } from '../ports.ts'
import { keyOf } from '../auth/key-of.ts'
import { MemoryLimiter } from '../limit/memory-limiter.ts'
import { chatRoutes } from './chat.ts'

const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
const key: Key = keyOf({ id: newKeyId(), scope: 'developer', requestsPerMinute: 1 })
const served = { id: 'm', kind: 'chat', createdAtMs: 0, contextTokens: 0 } as const
const catalogue: Catalogue = {
  find: () => Promise.resolve(served),
  list: () => Promise.resolve([served]),
}

describe('a caller who hung up', () => {
  test('before anyone listened for it is not waited for', async () => {
    const asked: AbortSignal[] = []
    const answers: Answers = {
      gateway: () => Promise.resolve(GatewayId.parse('g1-x')),
      ask: (_, { signal }) => {
        asked.push(signal)
        return Promise.reject(new Failure('unavailable', 'Nobody is there.'))
      },
    }
    const app = router()
    app.onError(respond)
    app
      .use(async (c, next) => {
        c.set('key', key)
        c.set('headers', {})
        await next()
      })
      .route('/', chatRoutes({ answers, catalogue, limiter: new MemoryLimiter(), log }))
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
      signal: AbortSignal.abort(),
    }
    await app.request('/v1/chat/completions', init, {})
    expect(asked.map(({ aborted }) => aborted)).toEqual([true])
  })
})
