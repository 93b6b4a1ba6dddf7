import { waitUntil } from 'cloudflare:workers'
import { addressOf } from '../../proto/cidr.ts'
import { moneyAdmin } from '../../db/money.ts'
import { usageBook } from '../../db/usage-book.ts'
import { createApp } from '../app.ts'
import { announce } from '../auth/announce.ts'
import { CachedKeys } from '../auth/cached-keys.ts'
import docsScript from '../page/dist/scalar.txt'
import page from '../page/index.html'
import type { Ports } from '../ports.ts'
import { readVars, type Bindings } from './bindings.ts'
import { Bus } from './bus.ts'
import { askDatabase } from './database.ts'
import { drainUpload } from './drain-upload.ts'
import { storedKeys } from './key-store.ts'
import { objectLimiter } from './limiter-object.ts'
import { consoleLog } from './log.ts'

export { BusObject } from './bus-object.ts'
export { LimiterObject } from './limiter-object.ts'

/** No broadcast reaches an isolate: this is the bound on how long a revoked key lives on. */
const KEY_TTL_MS = 800

let app: ReturnType<typeof createApp> | undefined

// oxlint-disable-next-line import/no-default-export -- workerd wants its handlers there
export default {
  async fetch(request, bindings) {
    app ??= createApp(portsOf(bindings))
    const response = await app.fetch(request, {
      address: () => addressIn(request.headers, bindings.CLIENT_ADDRESS_HEADER),
    })
    if (!response.ok) await drainUpload(request)
    return response
  },
} satisfies ExportedHandler<Bindings>

/** As whatever stands before the Worker tells it. */
function addressIn(headers: Headers, name: string) {
  const told = name ? headers.get(name) : null
  return addressOf(told?.split(',').at(-1) ?? '')
}

function portsOf(bindings: Bindings): Ports {
  const vars = readVars(bindings)
  const log = consoleLog(vars.LOG_LEVEL, { gateway: vars.GATEWAY_NAME })
  const bus = new Bus(bindings, vars.BUS_SHARDS, vars.GATEWAY_NAME)
  const ask = askDatabase({ url: vars.DATABASE_URL, waitUntil })
  const store = storedKeys(
    ask,
    announce({ forget: () => keys.forget(), tell: () => bus.changed('keyChanged'), log }),
  )
  const keys = new CachedKeys(store, KEY_TTL_MS, log)
  return {
    answers: bus,
    responses: bus,
    catalogue: bus,
    lineup: bus,
    keys,
    money: moneyAdmin(ask, announce({ tell: () => bus.changed('moneyChanged'), log })),
    tenancy: store.tenancy,
    limiter: objectLimiter(bindings),
    usage: usageBook(ask),
    health: {
      parts: async () => {
        const away = { broker: false, workers: false }
        const [database, bused] = await Promise.all([
          store.answers(),
          bus.parts().catch(() => away),
        ])
        return { database, ...bused }
      },
      metrics: () => bus.metrics(),
    },
    log,
    page,
    docsScript: () => Promise.resolve(docsScript),
  }
}
