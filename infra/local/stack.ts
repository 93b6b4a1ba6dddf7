import { join } from 'node:path'
import { Trouble } from '../trouble.ts'
import { savedApiKeys, type ApiKeys } from './api-keys.ts'
import { gatewayNames, planBroker, prepareBroker, type Broker } from './broker.ts'
import { ChildLog } from './child-log.ts'
import { Child, type ChildSpec } from './child.ts'
import { planDatabase, prepareDatabase, type Database } from './database.ts'
import { Ports } from './ports.ts'
import { removeRunFile, writeRunFile, type RunFile } from './run-file.ts'
import type { Settings } from './settings.ts'
import { gatewaySpec, workerSpec } from './specs.ts'
import type { Terminal } from './terminal.ts'

/** Those who serve end first, and what they stand on after them; together in less than five seconds. */
const SERVING_MS = 3_800
const BENEATH_MS = 600

/** What stands once everything has come up. */
interface Facts {
  broker: Broker
  databaseUrl: string
  keys: ApiKeys
  gatewayUrl: string
}

/** Everything that runs here, and the order in which it comes and goes. */
export class Stack {
  readonly #settings: Settings
  readonly #terminal: Terminal
  readonly #ports: Ports
  readonly #beneath: Child[] = []
  readonly #gateways: Child[] = []
  readonly #workers: Child[] = []
  #facts: Facts | undefined
  #writing = Promise.resolve()
  #stopping: Promise<void> | undefined

  constructor(settings: Settings, terminal: Terminal) {
    this.#settings = settings
    this.#terminal = terminal
    this.#ports = new Ports(terminal.say)
  }

  /** Until everything is up, and `june.json` says where. */
  async start(): Promise<RunFile> {
    await removeRunFile(this.#settings.dataDir)
    const saved = await savedApiKeys(this.#settings.dataDir)
    const database = await planDatabase(this.#settings, this.#ports)
    const brokerUp = this.#startBroker()
    // Workers load their models, and gateways their code, while the database comes up.
    const servingUp = brokerUp.then(async (broker) => {
      await Promise.all([this.#startWorkers(broker), this.#startGateways(broker, database.url)])
      return this.#gateways[0]?.running?.url
    })
    const [broker, keys, gatewayUrl] = await Promise.all([
      brokerUp,
      this.#startDatabase(database, saved),
      servingUp,
    ])
    if (!gatewayUrl) throw new Trouble('The gateway died as it came up.', 'Start June again.')
    const run = this.#run({ broker, databaseUrl: database.url, keys, gatewayUrl })
    await writeRunFile(this.#settings.dataDir, run)
    return run
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** For whoever cannot wait. */
  kill(): void {
    for (const child of this.#all()) child.kill()
  }

  async #stop(): Promise<void> {
    this.#terminal.hush()
    const startedMs = performance.now()
    const serving = [...this.#gateways, ...this.#workers]
    await Promise.all(serving.map((child) => child.stop(startedMs + SERVING_MS)))
    const thenMs = performance.now()
    await Promise.all(this.#beneath.map((child) => child.stop(thenMs + BENEATH_MS)))
    await this.#writing
    await removeRunFile(this.#settings.dataDir)
  }

  async #startBroker(): Promise<Broker> {
    const { say } = this.#terminal
    const broker = await planBroker(this.#settings, this.#ports, say)
    if (broker.child) await this.#add(this.#beneath, broker.child).start()
    await prepareBroker(broker.operatorUrl)
    const { host } = new URL(broker.operatorUrl)
    say(`nats ${broker.child ? 'is up' : 'of somebody else'} at ${host}`)
    return broker
  }

  async #startDatabase({ url, child }: Database, saved: ApiKeys): Promise<ApiKeys> {
    if (child) await this.#add(this.#beneath, child).start()
    const keys = await prepareDatabase(this.#settings, url, saved)
    this.#terminal.say(`database ${child ? 'is up' : 'of somebody else'} at ${new URL(url).host}`)
    return keys
  }

  async #startWorkers(broker: Broker): Promise<void> {
    const starting: Promise<void>[] = []
    for (const [i, { id, url }] of broker.workers.entries()) {
      const first = this.#settings.WORKER_PORT
      const port = await this.#ports.take(first && first + i, `the health port of ${id}`)
      const spec = workerSpec(this.#settings, { id, port, natsUrl: url })
      starting.push(this.#add(this.#workers, spec).start())
    }
    await Promise.all(starting)
  }

  async #startGateways(broker: Broker, databaseUrl: string): Promise<void> {
    const starting: Promise<void>[] = []
    for (const [i, name] of gatewayNames(this.#settings).entries()) {
      const first = this.#settings.JUNE_PORT
      const port = await this.#ports.take(first && first + i, `gateway ${name}`)
      const place = {
        name,
        port,
        natsUrl: broker.gatewayUrl(name),
        databaseUrl,
      }
      starting.push(this.#add(this.#gateways, gatewaySpec(this.#settings, place)).start())
    }
    await Promise.all(starting)
  }

  #add(to: Child[], spec: ChildSpec): Child {
    if (this.#stopping) throw new Trouble('It was told to end.', '')
    const { say } = this.#terminal
    const log = new ChildLog(join(this.#settings.dataDir, 'logs', `${spec.name}.log`))
    const child = new Child(spec, log, {
      changed: (changed) => this.#changed(changed),
      progress: ({ name }, text) => say(`${name}: ${text}`),
      died: ({ name }, how, delayMs) =>
        say(`${name} died (${how}), and starts again in ${delayMs} ms`),
      line: ({ name }, line) => this.#terminal.childSaid(name, line),
    })
    to.push(child)
    return child
  }

  #changed(child: Child): void {
    if (this.#stopping || !this.#facts) return
    if (child.running) this.#terminal.say(`${child.name} is up again`)
    const { broker } = this.#facts
    if (child.name === broker.child?.name && child.running) void this.#repair(broker)
    const run = this.#run(this.#facts)
    this.#writing = this.#writing.then(() => this.#write(run))
  }

  async #repair(broker: Broker): Promise<void> {
    try {
      await prepareBroker(broker.operatorUrl)
    } catch (thrown) {
      this.#terminal.say(thrown instanceof Error ? thrown.message : String(thrown))
    }
  }

  async #write(run: RunFile): Promise<void> {
    await writeRunFile(this.#settings.dataDir, run).catch((cause: NodeJS.ErrnoException) =>
      this.#terminal.say(`june.json could not be written (${cause.code})`),
    )
  }

  #run(facts: Facts): RunFile {
    const { broker, databaseUrl, keys, gatewayUrl } = (this.#facts = facts)
    const pidOf = (name: string): number | null =>
      this.#beneath.find((child) => child.name === name)?.running?.pid ?? null
    return {
      pid: process.pid,
      gateway: gatewayUrl,
      key: keys.developer,
      adminKey: keys.admin,
      nats: { url: broker.operatorUrl, wsUrl: broker.wsUrl ?? null, pid: pidOf('nats') },
      database: { url: databaseUrl, pid: pidOf('database') },
      gateways: this.#gateways.flatMap(({ running }) => (running ? [running] : [])),
      workers: this.#workers.flatMap(({ name, running }) =>
        running ? [{ id: name, pid: running.pid }] : [],
      ),
    }
  }

  *#all(): Generator<Child> {
    yield* this.#gateways
    yield* this.#workers
    yield* this.#beneath
  }
}
