import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { ECHO_QUEUE } from '../../proto/echo.ts'
import { newSecret, WorkerId } from '../../proto/ids.ts'
import { leashed } from '../leash.ts'
import { connectionOptions } from '../nats/connection-options.ts'
import { findServer } from '../nats/find-server.ts'
import { OPERATOR, serverConfig } from '../nats/server-config.ts'
import type { Host } from './network.ts'

export interface BrokerOptions {
  host: Host
  port: number
  /** Its configuration, its log and its streams. */
  dir: string
  workers: readonly string[]
  /** A last change to its configuration, for a control that must fail. */
  change?: (config: string) => string
}

export interface BrokerFixture extends AsyncDisposable {
  /** Of the gateway `g1`, of a worker, or of the operator. */
  url: (user: string) => string
  pid: () => number
  kill: () => Promise<void>
  /** After a `kill`: the same server, on whatever its folder holds now. */
  start: () => Promise<void>
}

const GATEWAY = 'g1'
const START_MS = 10_000

/** A nats-server that stands where and on what disk it is told to; `startNats` is for those who do not mind. */
export async function startBroker(options: BrokerOptions): Promise<BrokerFixture> {
  const { host, port, dir, workers, change = (config) => config } = options
  // oxlint-disable-next-line node/no-process-env -- a fixture has no main that could hand it over
  const binary = await findServer({ env: process.env })
  const users = [OPERATOR, GATEWAY, ...workers]
  const passwords = new Map(users.map((user) => [user, newSecret()]))
  const passwordOf = (user: string): string => passwords.get(user) ?? ''
  const url = (user: string): string => `nats://${user}:${passwordOf(user)}@${host.address}:${port}`
  const config = serverConfig({
    host: host.address,
    ports: { client: port, websocket: -1, monitor: -1 },
    storeDir: join(dir, 'js'),
    operator: passwordOf(OPERATOR),
    gateways: [{ name: GATEWAY, password: passwordOf(GATEWAY) }],
    workers: workers.map((id) => ({
      id: WorkerId.parse(id),
      password: passwordOf(id),
      queues: [
        { kind: 'chat', name: ECHO_QUEUE },
        { kind: 'duplex', name: ECHO_QUEUE },
      ],
    })),
  })

  const run = async () => {
    const [file, log] = [join(dir, 'nats.conf'), join(dir, 'nats.log')]
    await writeFile(file, change(config), { mode: 0o600 })
    const [first, ...rest] = [...host.within, binary]
    const command = leashed(first, [...rest, '-c', file, '-l', log])
    const child = spawn(...command, { stdio: 'ignore' })
    const giveUpAtMs = performance.now() + START_MS
    while (child.exitCode === null && performance.now() < giveUpAtMs) {
      if (await answers(url(OPERATOR))) return child
      await sleep(20)
    }
    child.kill('SIGKILL')
    throw new Error(`nats-server did not start:\n${await readFile(log, 'utf8').catch(() => '')}`)
  }
  let child = await run()
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {
    url,
    pid: () => child.pid ?? 0,
    kill,
    start: async () => {
      child = await run()
    },
    [Symbol.asyncDispose]: kill,
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const nc = await connect({ ...connectionOptions(url), reconnect: false, timeout: 1_000 })
    await nc.close()
    return true
  } catch {
    return false
  }
}
