import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { WorkerId } from '../../proto/ids.ts'

export interface Broker {
  server: string
  pass: string
  tls: boolean
}

const RETRY_MS = 500
const SAY_AGAIN_MS = 15_000

/** Connects however long it takes, and goes on saying what it waits for. `undefined` once `signal` aborts. */
export async function connectWorker(
  worker: WorkerId,
  { server, pass, tls }: Broker,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  let saidAtMs = -Infinity
  while (!signal.aborted) {
    try {
      return await connect({
        servers: server,
        user: worker,
        pass,
        ...(tls ? { tls: {} } : {}),
        name: `worker-${worker}`,
        inboxPrefix: `_INBOX.${worker}`,
        maxReconnectAttempts: -1,
        // A user may be added, and its password changed, while we knock.
        ignoreAuthErrorAbort: true,
        // The default of 2 s was most of what a migration cost: see research/protocol.md.
        reconnectDelayHandler: () => 50 + Math.random() * 200,
        timeout: 3_000,
        pingInterval: 3_000,
      })
    } catch (thrown) {
      if (performance.now() - saidAtMs > SAY_AGAIN_MS) {
        saidAtMs = performance.now()
        const why = thrown instanceof Error ? thrown.message : 'unknown'
        say(`waiting for the broker at ${server}: ${why}`)
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  return undefined
}
