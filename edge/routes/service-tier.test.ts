import { expect, test } from 'vitest'
import { Failure } from '../../proto/failure.ts'
import { GatewayId, newKeyId } from '../../proto/ids.ts'
import { keyOf } from '../auth/key-of.ts'
import { respond, router, type AppEnv } from '../http.ts'
import { MemoryLimiter } from '../limit/memory-limiter.ts'
import type { Answers, Catalogue, Key, Log, Responses } from '../ports.ts'
import { chatRoutes } from './chat.ts'
import { responseRoutes } from './responses.ts'

const log: Log = { info: () => {}, warn: () => {}, error: () => {} }
const key: Key = keyOf({ id: newKeyId(), scope: 'developer' })
const served = { id: 'm', kind: 'chat', createdAtMs: 0, contextTokens: 0 } as const
const catalogue: Catalogue = {
  find: () => Promise.resolve(served),
  list: () => Promise.resolve([served]),
}

/** The priority of the job that a request becomes, and the tier that is kept of it. */
async function jobOf(path: string, body: object, acting?: AppEnv['Bindings']['acting']) {
  const seen: { priority?: string; kept?: string } = {}
  const answers: Answers = {
    gateway: () => Promise.resolve(GatewayId.parse('g1-x')),
    ask: (job) => {
      seen.priority = job.priority
      return Promise.reject(new Failure('unavailable', 'Nobody is there.'))
    },
  }
  const responses: Responses = {
    put: ({ settings }) => {
      seen.kept = settings.service_tier
      return Promise.resolve()
    },
    look: () => Promise.resolve(undefined),
    remove: () => Promise.resolve(),
  }
  const ports = { answers, catalogue, limiter: new MemoryLimiter(), responses, log }
  const app = router()
  app.onError(respond)
  app
    .use(async (c, next) => {
      c.set('key', key)
      c.set('headers', {})
      await next()
    })
    .route('/', chatRoutes(ports))
    .route('/', responseRoutes(ports))
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', ...body, service_tier: 'priority' }),
  }
  await app.request(path, init, { ...(acting && { acting }) })
  return seen
}

const chat = ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] }] as const
const response = ['/v1/responses', { input: 'hi' }] as const

test('a request goes before others where it asks to', async () => {
  expect(await jobOf(...chat)).toEqual({ priority: 'interactive' })
  expect(await jobOf(...response)).toEqual({ priority: 'interactive', kept: 'priority' })
})

test('a line of a batch waits as a batch does, whatever tier it names', async () => {
  const acting = { key, priority: 'batch' } as const
  expect(await jobOf(...chat, acting)).toEqual({ priority: 'batch' })
  expect(await jobOf(...response, acting)).toEqual({ priority: 'batch', kept: 'default' })
})
