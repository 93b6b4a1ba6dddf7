import { setMaxListeners } from 'node:events'
import type { NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'

/**
 * A NATS connection as the lives it has. The server numbers every life anew and tells the gateways when one ends,
 * and what was published between two is partly lost: a grant is worth nothing beyond the life it was asked in.
 */
export class Link {
  readonly nc: NatsConnection
  readonly #log: Logger
  readonly #seen = new Set<string>()
  #life = new AbortController()
  #waiting: (() => void)[] = []

  constructor(nc: NatsConnection, log: Logger) {
    this.nc = nc
    this.#log = log
    // Every run and every pull listens to it.
    setMaxListeners(0, this.#life.signal)
    void this.#watch()
  }

  /** Aborts when the connection is lost. A new one has a new signal. */
  get life(): AbortSignal {
    return this.#life.signal
  }

  get up(): boolean {
    return !this.life.aborted && !this.nc.isClosed()
  }

  /** The number the server gave this life: what its end is announced with. */
  get connection(): number {
    return this.nc.info?.client_id ?? 0
  }

  /** Resolves at once while connected, else when connected again, or closed for good. */
  async whenUp(): Promise<void> {
    if (this.up || this.nc.isClosed()) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.#end()
      if (status.type === 'reconnect') this.#begin()
      if (status.type === 'error') this.#report(status.error)
    }
    this.#life.abort()
    this.#wake()
  }

  #end(): void {
    if (this.life.aborted) return
    this.#log.warn('lost the broker: what ran is given up, and its gateways hand it on')
    this.#life.abort()
  }

  #begin(): void {
    this.#log.info({ connection: this.connection }, 'the broker is back')
    this.#life = new AbortController()
    setMaxListeners(0, this.#life.signal)
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** A missing permission comes back with every pull: said once. */
  #report(error: Error): void {
    if (this.#seen.has(error.message) || this.#seen.size > 100) return
    this.#seen.add(error.message)
    this.#log.warn({ err: error }, 'the broker refused something')
  }
}
