import type { WorkerId } from '../../proto/ids.ts'
import { consumerOf, JOBS, subjects, type Queue } from '../../proto/subjects.ts'

export interface ServerConfig {
  host: string
  /** -1 lets the server pick, and `portsDir` tell. */
  ports: { client: number; websocket: number; monitor: number }
  storeDir: string
  portsDir?: string
  /** The password of the one user who may do anything in EDGE. */
  operator: string
  gateways: readonly GatewayUser[]
  workers: readonly WorkerUser[]
  limits?: { memoryBytes: number; fileBytes: number }
}

interface GatewayUser {
  /** Of every boot of this gateway, and the user name of its connections. */
  name: string
  password: string
}

export interface WorkerUser {
  id: WorkerId
  password: string
  /** What it may pull. It can neither hear nor take the work of other queues. */
  queues: readonly Queue[]
}

interface Permissions {
  publish: string[]
  subscribe: string[]
}

export const OPERATOR = 'operator'

/** A connection of this user asks for replies under this prefix, and may hear no other. */
export const inboxOf = (user: string): string => `_INBOX.${user}`

const NEXT = `$JS.API.CONSUMER.MSG.NEXT.${JOBS}`
const MiB = 1024 * 1024
/** More than twice what the streams reserve: two gateways that bring an empty server to shape at once reserve it twice for a moment. */
const LIMITS = { memoryBytes: 1024 * MiB, fileBytes: 16 * 1024 * MiB }

/**
 * Workers stand in an account without JetStream. In one account a pull whose reply subject is `$JS.API.STREAM.DELETE.JOBS`
 * deletes the stream, whatever the permissions: `forged-reply.test.ts`.
 */
export function serverConfig(config: ServerConfig): string {
  const { ports, host, limits = LIMITS } = config
  return `server_name: june
listen: ${json(`${host}:${ports.client}`)}
http: ${json(`${host}:${ports.monitor}`)}
${config.portsDir ? `ports_file_dir: ${json(config.portsDir)}\n` : ''}max_payload: ${4 * MiB}
websocket { listen: ${json(`${host}:${ports.websocket}`)}, no_tls: true }
jetstream {
  store_dir: ${json(config.storeDir)}
  max_mem: ${limits.memoryBytes}
  max_file: ${limits.fileBytes}
  sync_interval: always
}
accounts {
  EDGE: {
    jetstream: enabled
    users: [
      { user: ${OPERATOR}, password: ${json(config.operator)} }
${config.gateways.map(({ name, password }) => userLine(name, password, gatewayMay(name))).join('\n')}
    ]
    exports: [
      { service: "${NEXT}.*", response_type: stream, accounts: [POOL] }
      { service: "claim.*.*.*", accounts: [POOL] }
      { stream: "ctl.>", accounts: [POOL] }
      { stream: "in.>", accounts: [POOL] }
    ]
    imports: [
      { stream: { account: POOL, subject: "beat.*" } }
      { stream: { account: POOL, subject: "out.*.*" } }
      { stream: { account: SYS, subject: "$SYS.ACCOUNT.POOL.DISCONNECT" }, to: "${subjects.poolDisconnects}" }
      { stream: { account: SYS, subject: "$SYS.ACCOUNT.EDGE.DISCONNECT" }, to: "${subjects.edgeDisconnects}" }
    ]
  }
  POOL: {
    users: [
${config.workers.map((worker) => userLine(worker.id, worker.password, workerMay(worker))).join('\n')}
    ]
    exports: [
      { stream: "beat.*", accounts: [EDGE] }
      { stream: "out.*.*", accounts: [EDGE] }
    ]
    imports: [
      { service: { account: EDGE, subject: "${NEXT}.*" } }
      { service: { account: EDGE, subject: "claim.*.*.*" } }
      { stream: { account: EDGE, subject: "ctl.>" } }
      { stream: { account: EDGE, subject: "in.>" } }
    ]
  }
  SYS: {
    exports: [ { stream: "$SYS.ACCOUNT.*.DISCONNECT", accounts: [EDGE] } ]
  }
}
system_account: SYS
`
}

/** `_R_.>` answers a worker's claim: the server rewrites the reply subject of a request from another account. */
export const gatewayMay = (name: string): Permissions => ({
  publish: [
    'job.>',
    'held.>',
    'ledger.>',
    'dead.>',
    'answer.>',
    'idem.>',
    'response.>',
    'cache.>',
    '$KV.workers.>',
    'read.*',
    'claim.>',
    'ctl.>',
    'in.>',
    'gwbeat.*',
    subjects.keyChanged,
    subjects.moneyChanged,
    subjects.budgetsWanted,
    '$JS.API.>',
    '$JS.ACK.>',
    '_INBOX.>',
    '_R_.>',
  ],
  subscribe: [
    `${inboxOf(name)}.>`,
    'claim.>',
    'out.>',
    'beat.>',
    'gwbeat.>',
    'sys.>',
    'read.*',
    subjects.keyChanged,
    subjects.moneyChanged,
    subjects.budgetsWanted,
  ],
})

export const workerMay = ({ id, queues }: Omit<WorkerUser, 'password'>): Permissions => ({
  publish: [
    ...queues.map((queue) => `${NEXT}.${consumerOf(queue)}`),
    `claim.*.${id}.*`,
    `out.${id}.*`,
    subjects.beat(id),
  ],
  subscribe: [`${inboxOf(id)}.>`, subjects.ctl(id), subjects.inOf(id)],
})

function userLine(name: string, password: string, { publish, subscribe }: Permissions): string {
  return `      { user: ${json(name)}, password: ${json(password)}, permissions: {
          publish: { allow: [${publish.map(json).join(', ')}] }
          subscribe: { allow: [${subscribe.map(json).join(', ')}] } } }`
}

const json = (value: string): string => JSON.stringify(value)
