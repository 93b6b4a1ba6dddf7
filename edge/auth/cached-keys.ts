import { Failure } from '../../proto/failure.ts'
import type { Key, Keys, Log } from '../ports.ts'
import { hashOf } from '../../proto/api-key.ts'

export interface KeyStore {
  byHash(hash: string): Promise<Key | undefined>
}

interface Entry {
  key: Key | undefined
  freshUntilMs: number
  /** Good until then if the database does not answer. */
  staleUntilMs: number
}

/** Strangers may send any number of wrong keys: no more than this many are remembered. */
const MAX_ENTRIES = 10_000
/** A key that was good when the database went away stays good for this long. */
const STALE_MS = 10 * 60_000
/** While one request looks again, the others go on with what was known, for so long at most. */
const LOOKING_MS = 100

/** Keys in memory, so that a request with a known key touches no database. */
export class CachedKeys implements Keys {
  readonly #store: KeyStore
  readonly #ttlMs: number
  readonly #log: Log
  readonly #entries = new Map<string, Entry>()
  #changes = 0

  constructor(store: KeyStore, ttlMs: number, log: Log) {
    this.#store = store
    this.#ttlMs = ttlMs
    this.#log = log
  }

  async find(secret: string): Promise<Key | undefined> {
    const entry = this.#entries.get(secret)
    if (entry && Date.now() < entry.freshUntilMs) return entry.key
    if (entry) entry.freshUntilMs = Date.now() + LOOKING_MS
    const asked = this.#changes
    try {
      const key = await this.#store.byHash(await hashOf(secret))
      // What was read before a change may be what was changed.
      if (asked === this.#changes) this.#remember(secret, key)
      return key
    } catch (cause) {
      if (entry?.key && Date.now() < entry.staleUntilMs) return entry.key
      this.#log.warn({ cause }, 'a key could not be looked up')
      throw new Failure('unavailable', 'Keys cannot be checked at the moment. Try again soon.', {
        cause,
        retryAfterMs: 2_000,
      })
    }
  }

  /** A key changed somewhere: the next request of every key looks again. */
  forget(): void {
    this.#changes++
    this.#entries.clear()
  }

  #remember(secret: string, key: Key | undefined): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest)
    const freshUntilMs = Date.now() + this.#ttlMs
    this.#entries.set(secret, { key, freshUntilMs, staleUntilMs: freshUntilMs + STALE_MS })
  }
}
