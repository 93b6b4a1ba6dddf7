import { waitUntil } from 'cloudflare:workers'
import { createApp } from '../app.ts'
import { CachedKeys } from '../auth/cached-keys.ts'
import { sleep } from '../clock.ts'
import page from '../page/index.html'
import type { Ports } from '../ports.ts'
import { readVars, type Bindings } from './bindings.ts'
import { Bus } from './bus.ts'
import { drainUpload } from './drain-upload.ts'
import { ConnectingKeys } from './key-store.ts'
import { objectLimiter } from './limiter-object.ts'
import { consoleLog } from './log.ts'

export { BusObject } from './bus-object.ts'
export { LimiterObject } from './limiter-object.ts'

/** No broadcast reaches an isolate: this is the bound on how long a revoked key lives on. */
const KEY_TTL_MS = 800
const DATABASE_PATIENCE_MS = 1_000

let app: ReturnType<typeof createApp> | undefined

// oxlint-disable-next-line import/no-default-export -- workerd wants its handlers there
export default {
  async fetch(request, bindings) {
    app ??= createApp(portsOf(bindings))
    const response = await app.fetch(request)
    if (!response.ok) await drainUpload(request)
    return response
  },
} satisfies ExportedHandler<Bindings>

function portsOf(bindings: Bindings): Ports {
  const vars = readVars(bindings)
  const log = consoleLog(vars.LOG_LEVEL, { gateway: vars.GATEWAY_NAME })
  const bus = new Bus(bindings, vars.BUS_SHARDS, vars.GATEWAY_NAME)
  const store = new ConnectingKeys({
    url: vars.DATABASE_URL,
    waitUntil,
    changed: async () => {
      keys.forget()
      await bus.keysChanged()
    },
  })
  const keys = new CachedKeys(store, KEY_TTL_MS, log)
  return {
    answers: bus,
    catalogue: bus,
    keys,
    keyring: store,
    limiter: objectLimiter(bindings),
    health: {
      parts: async () => {
        const away = { broker: false, workers: false }
        const database = Promise.race([
          store.answers(),
          sleep(DATABASE_PATIENCE_MS).then(() => false),
        ])
        const bused = bus.parts().catch(() => away)
        return { database: await database, ...(await bused) }
      },
      metrics: () => bus.metrics(),
    },
    log,
    page,
  }
}
