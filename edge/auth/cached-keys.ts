import { Failure } from '../../proto/failure.ts'
import type { Key, Keys, Log } from '../ports.ts'
import { hashOf } from '../../proto/api-key.ts'

export interface KeyStore {
  byHash(hash: string): Promise<Key | undefined>
}

interface Entry {
  key: Key | undefined
  freshUntilMs: number
}

/** Strangers may send any number of wrong keys: no more than this many are remembered. */
const MAX_ENTRIES = 10_000
/** A key that was good when the database went away stays good for this long. */
const STALE_MS = 10 * 60_000

/** Keys in memory, so that a request with a known key touches no database. */
export class CachedKeys implements Keys {
  readonly #store: KeyStore
  readonly #ttlMs: number
  readonly #log: Log
  readonly #entries = new Map<string, Entry>()

  constructor(store: KeyStore, ttlMs: number, log: Log) {
    this.#store = store
    this.#ttlMs = ttlMs
    this.#log = log
  }

  async find(secret: string): Promise<Key | undefined> {
    const entry = this.#entries.get(secret)
    if (entry && Date.now() < entry.freshUntilMs) return entry.key
    try {
      const key = await this.#store.byHash(await hashOf(secret))
      this.#remember(secret, key)
      return key
    } catch (cause) {
      if (entry?.key && Date.now() < entry.freshUntilMs + STALE_MS) return entry.key
      this.#log.warn({ cause }, 'a key could not be looked up')
      throw new Failure('unavailable', 'Keys cannot be checked at the moment. Try again soon.', {
        cause,
        retryAfterMs: 2_000,
      })
    }
  }

  /** A key changed somewhere: the next request of every key looks again. */
  forget(): void {
    this.#entries.clear()
  }

  #remember(secret: string, key: Key | undefined): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(secret, { key, freshUntilMs: Date.now() + this.#ttlMs })
  }
}
