import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { WorkerId } from '../../proto/ids.ts'
import { connectionOptions } from '../nats/connection-options.ts'
import { findServer } from '../nats/find-server.ts'
import { OPERATOR, serverConfig } from '../nats/server-config.ts'
import { applyStreams } from '../nats/streams.ts'
import { Trouble } from '../trouble.ts'
import type { ChildSpec } from './child.ts'
import { natsCredentials } from './credentials.ts'
import type { Ports } from './ports.ts'
import { queuesIn } from './queues-in.ts'
import type { Settings } from './settings.ts'

/** Where NATS is and who may go there. */
export interface Broker {
  operatorUrl: string
  wsUrl: string | undefined
  /** Over TCP, or over WebSocket for a gateway in workerd. */
  gatewayUrl: (name: string) => string
  workers: { id: string; url: string }[]
  /** Our own server, unless somebody else's is used. */
  child: ChildSpec | undefined
}

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`)

export const gatewayNames = (settings: Settings): string[] => numbered('g', settings.GATEWAYS)

export async function planBroker(
  settings: Settings,
  ports: Ports,
  progress: (text: string) => void,
): Promise<Broker> {
  return settings.NATS_URL
    ? external(settings, settings.NATS_URL)
    : embedded(settings, ports, progress)
}

function external(settings: Settings, edgeUrl: string): Broker {
  const urls = (settings.NATS_POOL_URL ?? []).slice(0, settings.WORKERS)
  return {
    operatorUrl: edgeUrl,
    wsUrl: settings.NATS_WS_URL,
    gatewayUrl: () => (settings.gatewayKind === 'node' ? edgeUrl : (settings.NATS_WS_URL ?? '')),
    // What a worker may say hangs on its name: the name of its user is its id.
    workers: urls.map((url) => ({ id: new URL(url).username, url })),
    child: undefined,
  }
}

async function embedded(
  settings: Settings,
  ports: Ports,
  progress: (text: string) => void,
): Promise<Broker> {
  const { dataDir } = settings
  const gateways = gatewayNames(settings)
  const workers = numbered('w', settings.WORKERS)
  const credentials = await natsCredentials(dataDir, { gateways, workers })
  const queues = await queuesIn(settings.modelDirs)
  const chosen = {
    client: await ports.take(settings.NATS_PORT, 'NATS'),
    websocket: await ports.take(settings.NATS_WS_PORT, 'NATS over WebSocket'),
    monitor: await ports.take(settings.NATS_MONITOR_PORT, 'NATS monitoring'),
  }
  const file = join(dataDir, 'nats', 'nats.conf')
  const config = serverConfig({
    host: '127.0.0.1',
    ports: chosen,
    storeDir: join(dataDir, 'nats', 'js'),
    operator: credentials.operator,
    gateways: Object.entries(credentials.gateways).map(([name, password]) => ({ name, password })),
    workers: Object.entries(credentials.workers).map(([id, password]) => ({
      id: WorkerId.parse(id),
      password,
      queues,
    })),
  })
  await writeFile(file, config, { mode: 0o600 })
  const binary = await findServer({ env: settings.inherited, progress })

  const health = `http://127.0.0.1:${chosen.monitor}/healthz`
  const operatorUrl = at('nats', chosen.client, OPERATOR, credentials.operator)
  return {
    operatorUrl,
    wsUrl: at('ws', chosen.websocket, OPERATOR, credentials.operator),
    gatewayUrl: (name) =>
      settings.gatewayKind === 'node'
        ? at('nats', chosen.client, name, credentials.gateways[name])
        : at('ws', chosen.websocket, name, credentials.gateways[name]),
    workers: workers.map((id) => ({
      id,
      url: at('nats', chosen.client, id, credentials.workers[id]),
    })),
    child: {
      name: 'nats',
      command: [binary, '-c', file],
      env: settings.inherited,
      ready: {
        url: operatorUrl,
        up: () =>
          fetch(health, { signal: AbortSignal.timeout(1_000) }).then(
            ({ ok }) => ok,
            () => false,
          ),
      },
    },
  }
}

const at = (scheme: string, port: number, user: string, password = ''): string =>
  `${scheme}://${user}:${password}@127.0.0.1:${port}`

/** Also after every restart of the server: FRAMES is in its memory, configuration and all. */
export async function prepareBroker(operatorUrl: string): Promise<void> {
  const { host } = new URL(operatorUrl)
  const nc = await connect({ ...connectionOptions(operatorUrl), reconnect: false }).catch(
    (cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      const remedy =
        'Check NATS_URL: its address, its user and password, and that its account has JetStream.'
      throw new Trouble(`NATS at ${host} does not let us in (${why}).`, remedy, { cause })
    },
  )
  try {
    await applyStreams(nc)
  } finally {
    await nc.close()
  }
}
