import { delimiter, join, resolve } from 'node:path'
import type { ChildSpec } from './child.ts'
import type { GatewayKind, Settings } from './settings.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const node = (main: string): [string, string] => [process.execPath, join(ROOT, main)]

export function databaseSpec({ inherited, dataDir }: Settings, port: number): ChildSpec {
  return {
    name: 'database',
    command: node('infra/postgres/main.ts'),
    env: {
      ...inherited,
      HOST: '127.0.0.1',
      PORT: String(port),
      POSTGRES_DIR: join(dataDir, 'postgres'),
    },
    ready: 'tells',
  }
}

export interface GatewayPlace {
  name: string
  port: number
  natsUrl: string
  databaseUrl: string
}

/** One contract for both: a gateway listens on PORT and says `ready` with its URL; workerd reaches NATS over WebSocket. */
const GATEWAY_MAIN: Record<GatewayKind, string> = {
  node: 'edge/node/main.ts',
  workerd: 'infra/local/edge-gateway.ts',
}

export function gatewaySpec(settings: Settings, place: GatewayPlace): ChildSpec {
  return {
    name: place.name,
    command: node(GATEWAY_MAIN[settings.gatewayKind]),
    env: {
      DRAIN_GRACE_MS: '3000',
      ...settings.inherited,
      GATEWAY_NAME: place.name,
      HOST: '127.0.0.1',
      PORT: String(place.port),
      NATS_URL: place.natsUrl,
      DATABASE_URL: place.databaseUrl,
      JUNE_DATA_DIR: settings.dataDir,
      LOG_LEVEL: settings.LOG_LEVEL,
    },
    ready: 'tells',
  }
}

export interface WorkerPlace {
  id: string
  port: number
  natsUrl: string
}

export function workerSpec(settings: Settings, { id, port, natsUrl }: WorkerPlace): ChildSpec {
  return {
    name: id,
    command: node('workers/main.ts'),
    env: {
      // A person may give their machine more time, or less; our own patience with the whole stack is four seconds.
      DRAIN_GRACE_MS: '3000',
      ...settings.inherited,
      WORKER_ID: id,
      HOST: '127.0.0.1',
      WORKER_PORT: String(port),
      NATS_URL: natsUrl,
      JUNE_MODELS_DIR: settings.modelDirs.join(delimiter),
      JUNE_ECHO: settings.JUNE_ECHO,
      JUNE_LEXICAL: settings.JUNE_LEXICAL,
      LOG_LEVEL: settings.LOG_LEVEL,
      // Engines hold threads of libuv's pool while they compute.
      UV_THREADPOOL_SIZE: '16',
      NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true',
    },
    ready: 'tells',
  }
}
