import { keyOf } from '../../edge/auth/key-of.ts'
import { respond, router } from '../../edge/http.ts'
import type { GatewayDesk } from '../../edge/jobs/gateway-desk.ts'
import { MemoryLimiter } from '../../edge/limit/memory-limiter.ts'
import type { Answers, Log } from '../../edge/ports.ts'
import { chatRoutes } from '../../edge/routes/chat.ts'
import { newKeyId } from '../../proto/ids.ts'
import { readSse } from '../contract/sse.ts'
import { SEED } from './desk-fixture.ts'

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** What a streamed answer was to whoever asked for it. */
interface Seen {
  text: string
  /** The model that every chunk names. */
  models: string[]
  finishes: string[]
  usage: { prompt_tokens: number; completion_tokens: number } | undefined
  done: boolean
  error: unknown
}

interface Caller {
  stream(): Promise<Seen>
  whole(): Promise<{ status: number; body: unknown }>
}

/** One who asks `/v1/chat/completions` of this desk. `patienceMs` is the deadline of its jobs, where it is not ours. */
export function callerOf(desk: GatewayDesk, patienceMs?: number): Caller {
  const key = keyOf({ id: newKeyId(), scope: 'developer', requestsPerMinute: 1_000 })
  const answers: Pick<Answers, 'ask' | 'gateway'> = {
    gateway: () => desk.gateway(),
    ask: (job, how) =>
      desk.ask(patienceMs ? { ...job, deadlineAtMs: Date.now() + patienceMs } : job, how),
  }
  const app = router()
  app.onError(respond)
  app
    .use(async (c, next) => {
      c.set('key', key)
      c.set('headers', {})
      await next()
    })
    .route(
      '/',
      chatRoutes({
        answers: answers as Answers,
        catalogue: desk,
        limiter: new MemoryLimiter(),
        log: quiet,
      }),
    )
  const ask = (more: object) =>
    app.request(
      '/v1/chat/completions',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'echo-20-0-0',
          messages: [{ role: 'user', content: 'hi' }],
          seed: SEED,
          ...more,
        }),
      },
      {},
    )
  return {
    async stream() {
      const response = await ask({ stream: true, stream_options: { include_usage: true } })
      const { chunks, text, done, error } = readSse(await response.text())
      return {
        text,
        models: [...new Set(chunks.map(({ model }) => model))],
        finishes: chunks.flatMap(({ choices }) =>
          choices.flatMap(({ finish_reason: finish }) => finish ?? []),
        ),
        usage: chunks.at(-1)?.usage ?? undefined,
        done,
        error,
      }
    },
    async whole() {
      const response = await ask({})
      return { status: response.status, body: await response.json() }
    },
  }
}
