import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { GatewayName } from '../../proto/ids.ts'
import { leashed } from '../leash.ts'
import { bundleWorker } from './edge-gateway-bundle.ts'
import { workerdConfig } from './edge-gateway-config.ts'

/** Under the launcher's own patience of four seconds. */
const DRAIN_MS = 3_000
const HEALTH_EVERY_MS = 20
const WRANGLER_TOML = resolve(import.meta.dirname, '../../wrangler.toml')
/** What the Worker reads; each is in our own environment, or has a default there. */
const VARIABLES = [
  'GATEWAY_NAME',
  'NATS_URL',
  'DATABASE_URL',
  'LOG_LEVEL',
  'BUS_SHARDS',
  'CLIENT_ADDRESS_HEADER',
  'JUNE_SECRET',
  'RESPONSES_DAYS',
]

const Env = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8000),
  JUNE_DATA_DIR: z.string().default('.june'),
  GATEWAY_NAME: GatewayName.default(GatewayName.parse('edge')),
  NATS_URL: z.url({ protocol: /^wss?$/ }),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  LOG_LEVEL: z.string().default('info'),
  BUS_SHARDS: z.string().default('1'),
  CLIENT_ADDRESS_HEADER: z.string().default(''),
  JUNE_SECRET: z.string().default(''),
  RESPONSES_DAYS: z.string().default('30'),
})

const Listening = z.object({ event: z.literal('listen'), port: z.int() })

// oxlint-disable-next-line node/no-process-env -- this file is a main: the launcher runs it in place of edge/node/main.ts
const { env: inherited } = process
const tell = (message: object): void => void process.send?.(message)
let stopping = false
let workerd: ChildProcess | undefined

process.on('disconnect', () => process.exit(0))
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())
await start(Env.parse(inherited))

/** The gateway in workerd, in a process that lives and dies as the gateway of Node does. */
async function start(env: z.infer<typeof Env>): Promise<void> {
  const dir = resolve(env.JUNE_DATA_DIR, 'edge')
  const storeDir = join(dir, 'store')
  await mkdir(storeDir, { recursive: true })
  tell({ type: 'progress', text: 'bundling the Worker' })
  const config = workerdConfig({
    wrangler: await readFile(WRANGLER_TOML, 'utf8'),
    modules: await bundleWorker(WRANGLER_TOML, join(dir, 'bundle'), inherited),
    variables: VARIABLES,
    address: `${env.HOST.includes(':') ? `[${env.HOST}]` : env.HOST}:${env.PORT}`,
    storeDir,
  })
  const configFile = join(dir, 'workerd.capnp')
  await writeFile(configFile, config)
  if (stopping) return
  // Killed with us, however we die; a bare `workerd` would go on holding the port.
  workerd = spawn(...leashed(workerdBinary(), ['serve', configFile, '--control-fd=3']), {
    env: Object.fromEntries(VARIABLES.map((name) => [name, String(env[name as keyof typeof env])])),
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  workerd.once('exit', (code, signal) => {
    if (stopping) return
    process.stderr.write(`workerd ended by itself, with ${signal ?? code}\n`)
    process.exit(1)
  })
  const port = await portOf(workerd.stdio[3] as Readable)
  const url = `http://${env.HOST.includes(':') ? `[${env.HOST}]` : env.HOST}:${port}`
  while (!(await isUp(url))) await sleep(HEALTH_EVERY_MS)
  // Wakes the object that holds the connection to the broker, so that the first caller does not wait for it.
  void fetch(`${url}/ready`).catch(() => undefined)
  tell({ type: 'ready', url })
}

/** No new connections; streams that run are given the launcher's grace to end. */
async function stop(): Promise<void> {
  stopping = true
  if (workerd && workerd.exitCode === null && workerd.signalCode === null) {
    workerd.kill('SIGTERM')
    await Promise.race([once(workerd, 'exit'), sleep(DRAIN_MS)])
    workerd.kill('SIGKILL')
  }
  process.exit(0)
}

/** The one that wrangler brings along: no second workerd comes into the house. */
function workerdBinary(): string {
  const fromWrangler = createRequire(import.meta.resolve('wrangler/package.json'))
  return z.object({ default: z.string() }).parse(fromWrangler('workerd')).default
}

/** workerd says on its control channel where it listens. */
async function portOf(control: Readable): Promise<number> {
  for await (const line of createInterface(control)) {
    const said = Listening.safeParse(JSON.parse(line))
    if (said.success) return said.data.port
  }
  throw new Error('workerd did not say where it listens')
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok
  } catch {
    return false
  }
}
