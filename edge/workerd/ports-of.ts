import { batchStore } from '../../db/batch-store.ts'
import { fileStore } from '../../db/file-store.ts'
import { moneyAdmin } from '../../db/money.ts'
import { usageBook } from '../../db/usage-book.ts'
import { announce } from '../auth/announce.ts'
import { bearers } from '../auth/bearers.ts'
import { CachedKeys } from '../auth/cached-keys.ts'
import { EndUsers } from '../auth/end-users.ts'
import { PublishedKeys } from '../auth/published-keys.ts'
import { vaultOf } from '../auth/vault.ts'
import docsScript from '../page/dist/scalar.txt'
import page from '../page/index.html'
import type { Ports } from '../ports.ts'
import { readVars, type Bindings } from './bindings.ts'
import { Bus } from './bus.ts'
import { askDatabase } from './database.ts'
import { storedKeys } from './key-store.ts'
import { objectLimiter } from './limiter-object.ts'
import { consoleLog } from './log.ts'

/** No broadcast reaches an isolate: this is the bound on how long a revoked key lives on. */
const KEY_TTL_MS = 800
/** The one object that carries out batches. */
const BATCHES = 'batches'

/** The world of the gateway, as the Worker has it, or an object that asks the gateway's own routes. */
export function portsOf(bindings: Bindings, waitUntil: (rest: Promise<unknown>) => void): Ports {
  const vars = readVars(bindings)
  const log = consoleLog(vars.LOG_LEVEL, { gateway: vars.GATEWAY_NAME })
  const bus = new Bus(bindings, vars.BUS_SHARDS, vars.GATEWAY_NAME)
  const ask = askDatabase({ url: vars.DATABASE_URL, waitUntil })
  const store = storedKeys(
    ask,
    announce({ forget: () => keys.forget(), tell: () => bus.changed('keyChanged'), log }),
  )
  const vault = vaultOf(vars.JUNE_SECRET)
  const keys = bearers(
    new CachedKeys(store, { ttlMs: KEY_TTL_MS, log }),
    new EndUsers({
      store,
      published: new PublishedKeys((at, init) => fetch(at, init), log),
      vault,
      ttlMs: KEY_TTL_MS,
      log,
    }),
  )
  return {
    answers: bus,
    responses: bus,
    catalogue: bus,
    lineup: bus,
    keys,
    money: moneyAdmin(ask, announce({ tell: () => bus.changed('moneyChanged'), log })),
    tenancy: store.tenancy,
    clientTokens: store.clientTokens,
    vault,
    limiter: objectLimiter(bindings),
    usage: usageBook(ask),
    files: fileStore(ask),
    batches: {
      ...batchStore(ask),
      stir: () => waitUntil(bindings.BATCH.get(bindings.BATCH.idFromName(BATCHES)).stir()),
    },
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
