import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ECHO_QUEUE } from '../../proto/echo.ts'
import { LEXICAL_EMBED, LEXICAL_RERANK } from '../../proto/lexical.ts'
import { newSecret, WorkerId } from '../../proto/ids.ts'
import type { Queue } from '../../proto/subjects.ts'
import { leashed } from '../leash.ts'
import { findServer } from '../nats/find-server.ts'
import { OPERATOR, serverConfig, type ServerConfig } from '../nats/server-config.ts'

export interface NatsOptions {
  /** Names of gateways, each a user in EDGE. */
  gateways?: readonly string[]
  /** Ids of workers, each a user in POOL who may pull all of `queues`. */
  workers?: readonly string[]
  queues?: readonly Queue[]
}

export interface NatsFixture extends AsyncDisposable {
  /** `nats://user:password@127.0.0.1:port` of a gateway, a worker or the operator: see `connectionOptions`. */
  url: (user: string) => string
  /** The same over WebSocket. */
  wsUrl: (user: string) => string
  operatorUrl: string
  monitorUrl: string
  pid: () => number
  /** Sends the server a signal: SIGSTOP, SIGCONT, or SIGKILL and then `start`. */
  signal: (name: NodeJS.Signals) => void
  /** Ends it if it runs, and starts it again on the same ports and the same files. */
  restart: (signal?: NodeJS.Signals) => Promise<void>
}

const BUILT_IN: Queue[] = [
  { kind: 'chat', name: ECHO_QUEUE },
  { kind: 'duplex', name: ECHO_QUEUE },
  { kind: 'embed', name: LEXICAL_EMBED },
  { kind: 'rerank', name: LEXICAL_RERANK },
]

/** A real server with the accounts and permissions of production, on ports it picks, in a folder that goes with it. */
export async function startNats(options: NatsOptions = {}): Promise<NatsFixture> {
  const { gateways = ['g1'], workers = ['w1'], queues = BUILT_IN } = options
  // oxlint-disable-next-line node/no-process-env -- a fixture has no main that could hand it over
  const binary = await findServer({ env: process.env })
  const dir = await mkdtemp(join(tmpdir(), 'june-nats-'))
  const passwords = new Map([OPERATOR, ...gateways, ...workers].map((user) => [user, newSecret()]))
  const passwordOf = (user: string): string => {
    const password = passwords.get(user)
    if (password === undefined) throw new Error(`startNats was not asked for a user ${user}`)
    return password
  }
  const config: ServerConfig = {
    host: '127.0.0.1',
    ports: { client: -1, websocket: -1, monitor: -1 },
    storeDir: join(dir, 'js'),
    portsDir: dir,
    operator: passwordOf(OPERATOR),
    gateways: gateways.map((name) => ({ name, password: passwordOf(name) })),
    workers: workers.map((id) => ({ id: WorkerId.parse(id), password: passwordOf(id), queues })),
  }

  let server = await run(binary, dir, config)
  const ports = server.ports
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.child.exitCode !== null || server.child.signalCode !== null) return
    server.child.kill(signal)
    await once(server.child, 'exit')
  }
  const at = (scheme: string, port: number) => (user: string) =>
    `${scheme}://${user}:${passwordOf(user)}@127.0.0.1:${port}`

  const url = at('nats', ports.client)
  return {
    url,
    wsUrl: at('ws', ports.websocket),
    operatorUrl: url(OPERATOR),
    monitorUrl: `http://127.0.0.1:${ports.monitor}`,
    pid: () => server.child.pid ?? 0,
    signal: (name) => void server.child.kill(name),
    restart: async (signal = 'SIGKILL') => {
      await end(signal)
      server = await run(binary, dir, { ...config, ports })
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

interface Running {
  child: ChildProcess
  ports: ServerConfig['ports']
}

async function run(binary: string, dir: string, config: ServerConfig): Promise<Running> {
  const file = join(dir, 'nats.conf')
  const log = join(dir, 'nats.log')
  await writeFile(file, serverConfig(config), { mode: 0o600 })
  const child = spawn(...leashed(binary, ['-c', file, '-l', log]), { stdio: 'ignore' })
  const portsFile = join(dir, `nats-server_${child.pid}.ports`)
  while (child.exitCode === null) {
    const ports = await portsIn(portsFile)
    if (ports) return { child, ports }
    await sleep(10)
  }
  throw new Error(`nats-server did not start:\n${await readFile(log, 'utf8').catch(() => '')}`)
}

const urls = z.array(z.url()).min(1)
const PortsFile = z.object({ nats: urls, monitoring: urls, websocket: urls })

async function portsIn(file: string): Promise<ServerConfig['ports'] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  // The file exists for a moment before it is written.
  if (!text.endsWith('}')) return undefined
  const { nats, monitoring, websocket } = PortsFile.parse(JSON.parse(text))
  return { client: portOf(nats), monitor: portOf(monitoring), websocket: portOf(websocket) }
}

const portOf = ([url = '']: string[]): number => Number(new URL(url).port)
