import { readFile } from 'node:fs/promises'
import type { RunFile } from '../../infra/local/run-file.ts'
import type { StackFixture } from '../../infra/testing/start-stack.ts'
import type { Member } from '../history.ts'
import type { FaultPlan } from '../plan/faults.ts'

/** Who belongs to the stack, each under a name that outlives its process. */
export class Members {
  readonly #stack: StackFixture
  readonly #workers: readonly string[]
  readonly gatewayUrls: readonly string[]

  constructor(stack: StackFixture) {
    this.#stack = stack
    this.#workers = stack.run.workers.map(({ id }) => id).toSorted()
    this.gatewayUrls = stack.run.gateways.map(({ url }) => url)
  }

  /** Those that are up, at the index they had at the start. */
  async of(target: FaultPlan['target']): Promise<(Member | undefined)[]> {
    const run = await this.#stack.read()
    switch (target) {
      case 'workers':
        return this.#workers.map((name) => {
          const pid = run.workers.find(({ id }) => id === name)?.pid
          return pid === undefined ? undefined : { role: 'worker', name, pid }
        })
      case 'gateways':
        return this.gatewayUrls.map((url) => {
          const pid = run.gateways.find((gateway) => gateway.url === url)?.pid
          return pid === undefined ? undefined : { role: 'gateway', name: url, pid }
        })
      case 'broker':
        return [brokerOf(run)]
    }
  }

  /** Everyone who is up. */
  async all(): Promise<Member[]> {
    const run = await this.#stack.read()
    const { pid } = run.database
    const members = [
      { role: 'launcher' as const, name: 'launcher', pid: run.pid },
      brokerOf(run),
      pid === null ? undefined : { role: 'database' as const, name: 'database', pid },
      ...(await this.of('gateways')),
      ...(await this.of('workers')),
    ]
    return members.filter((member) => member !== undefined)
  }

  /** How many there are when nobody is missing: launcher, broker and database with the rest. */
  get count(): number {
    return 3 + this.gatewayUrls.length + this.#workers.length
  }
}

const brokerOf = ({ nats: { pid } }: RunFile): Member | undefined =>
  pid === null ? undefined : { role: 'broker', name: 'nats', pid }

/** Where a gateway or a worker tells its metrics; a worker's port is in its environment alone. */
export async function metricsUrl({ role, name, pid }: Member): Promise<string | undefined> {
  if (role === 'gateway') return `${name}/metrics`
  if (role !== 'worker') return undefined
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  const [, port] = /(?:^|\0)WORKER_PORT=(\d+)/.exec(environment) ?? []
  return port && `http://127.0.0.1:${port}/metrics`
}
