import { hashOf, isApiKey } from '../../proto/api-key.ts'
import { Failure } from '../../proto/failure.ts'
import { monotonicMs } from '../clock.ts'
import type { Key, Keys, Log } from '../ports.ts'
import { within } from '../within.ts'

export interface KeyStore {
  byHash(hash: string): Promise<Key | undefined>
}

interface Entry {
  key: Key
  freshUntilMs: number
  /** Good until then if the database does not answer. */
  staleUntilMs: number
}

const MAX_KEYS = 10_000
/** Strangers may send any number of wrong keys: they push out each other, and never a good one. */
const MAX_WRONG = 1_000
/** A key that was good when the database went away stays good for this long. */
const STALE_MS = 10 * 60_000
/** While one request looks again, the others go on with what was known, for so long at most. */
const LOOKING_MS = 100
/** A database that is frozen does not say no: after this it is away. */
const LOOKUP_MS = 1_000
/** A database that was away is asked again after this. */
const AWAY_MS = 1_000

/** Keys in memory, so that a request with a known key touches no database. */
export class CachedKeys implements Keys {
  readonly #store: KeyStore
  readonly #ttlMs: number
  readonly #log: Log
  readonly #keys = new Map<string, Entry>()
  /** Until when a wrong key is not looked up again. */
  readonly #wrong = new Map<string, number>()
  #changes = 0

  constructor(store: KeyStore, ttlMs: number, log: Log) {
    this.#store = store
    this.#ttlMs = ttlMs
    this.#log = log
  }

  async find(secret: string): Promise<Key | undefined> {
    const entry = this.#keys.get(secret)
    if (entry && monotonicMs() < entry.freshUntilMs) return entry.key
    if (!isApiKey(secret) || monotonicMs() < (this.#wrong.get(secret) ?? 0)) return undefined
    if (entry) entry.freshUntilMs = monotonicMs() + LOOKING_MS
    const asked = this.#changes
    try {
      const key = await within(LOOKUP_MS, this.#lookUp(secret))
      // What was read before a change may be what was changed.
      if (asked === this.#changes) this.#remember(secret, key)
      return key
    } catch (cause) {
      this.#log.warn({ cause }, 'a key could not be looked up')
      if (entry && asked === this.#changes && monotonicMs() < entry.staleUntilMs) {
        entry.freshUntilMs = monotonicMs() + AWAY_MS
        return entry.key
      }
      throw new Failure('unavailable', 'Keys cannot be checked at the moment. Try again soon.', {
        cause,
        retryAfterMs: 2_000,
      })
    }
  }

  /** A key changed somewhere: the next request of every key looks again. */
  forget(): void {
    this.#changes++
    this.#keys.clear()
    this.#wrong.clear()
  }

  async #lookUp(secret: string): Promise<Key | undefined> {
    return this.#store.byHash(await hashOf(secret))
  }

  #remember(secret: string, key: Key | undefined): void {
    const freshUntilMs = monotonicMs() + this.#ttlMs
    if (key) {
      put(this.#keys, MAX_KEYS, secret, {
        key,
        freshUntilMs,
        staleUntilMs: freshUntilMs + STALE_MS,
      })
    } else {
      this.#keys.delete(secret)
      put(this.#wrong, MAX_WRONG, secret, freshUntilMs)
    }
  }
}

/** The oldest goes where there is no room. */
function put<T>(map: Map<string, T>, most: number, secret: string, value: T): void {
  map.delete(secret)
  const [oldest] = map.keys()
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
  map.set(secret, value)
}
