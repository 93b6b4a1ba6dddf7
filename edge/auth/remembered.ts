import { Failure } from '../../proto/failure.ts'
import { monotonicMs } from '../clock.ts'
import type { Log } from '../ports.ts'
import { within } from '../within.ts'

interface Entry<V> {
  value: V
  freshUntilMs: number
  /** Good until then if the database does not answer. */
  staleUntilMs: number
}

const MAX_KNOWN = 10_000
/** Strangers may send any number of wrong names: they push out each other, and never a good one. */
const MAX_WRONG = 1_000
/** What was good when the database went away stays good for this long. */
const STALE_MS = 10 * 60_000
/** While one request looks again, the others go on with what was known, for so long at most. */
const LOOKING_MS = 100
/** A database that is frozen does not say no: after this it is away. */
const LOOKUP_MS = 1_000
/** A database that was away is asked again after this. */
const AWAY_MS = 1_000

export interface RememberedOptions {
  ttlMs: number
  log: Log
  /** Whether one request may wait for what another asks: in workerd a promise belongs to the request that made it. */
  shares?: boolean
}

/** What the database says, in memory, so that a request about something known touches no database. */
export class Remembered<V> {
  readonly #lookUp: (name: string) => Promise<V | undefined>
  readonly #ttlMs: number
  readonly #log: Log
  readonly #known = new Map<string, Entry<V>>()
  /** Until when a wrong name is not looked up again. */
  readonly #wrong = new Map<string, number>()
  /** By name, the question that is under way; nothing where requests may not wait for one another's. */
  readonly #asking: Map<string, Promise<V | undefined>> | undefined
  #changes = 0

  constructor(
    lookUp: (name: string) => Promise<V | undefined>,
    { ttlMs, log, shares }: RememberedOptions,
  ) {
    this.#lookUp = lookUp
    this.#ttlMs = ttlMs
    this.#log = log
    this.#asking = shares ? new Map() : undefined
  }

  async find(name: string): Promise<V | undefined> {
    const entry = this.#known.get(name)
    if (entry && monotonicMs() < entry.freshUntilMs) return entry.value
    if (monotonicMs() < (this.#wrong.get(name) ?? 0)) return undefined
    if (entry) entry.freshUntilMs = monotonicMs() + LOOKING_MS
    const asked = this.#changes
    try {
      const value = await this.#ask(name)
      // What was read before a change may be what was changed.
      if (asked === this.#changes) this.#remember(name, value)
      return value
    } catch (cause) {
      this.#log.warn({ cause }, 'a key could not be looked up')
      if (entry && asked === this.#changes && monotonicMs() < entry.staleUntilMs) {
        entry.freshUntilMs = monotonicMs() + AWAY_MS
        return entry.value
      }
      throw new Failure('unavailable', 'Keys cannot be checked at the moment. Try again soon.', {
        cause,
        retryAfterMs: 2_000,
      })
    }
  }

  /** Something changed somewhere: the next request of each looks again. */
  forget(): void {
    this.#changes++
    this.#known.clear()
    this.#wrong.clear()
    this.#asking?.clear()
  }

  /** Once for all who want to know at the same time: a thousand first requests of a key are one question. */
  #ask(name: string): Promise<V | undefined> {
    const known = this.#asking?.get(name)
    if (known) return known
    const asked = within(LOOKUP_MS, this.#lookUp(name)).finally(() => {
      if (this.#asking?.get(name) === asked) this.#asking.delete(name)
    })
    this.#asking?.set(name, asked)
    return asked
  }

  #remember(name: string, value: V | undefined): void {
    const freshUntilMs = monotonicMs() + this.#ttlMs
    if (value === undefined) {
      this.#known.delete(name)
      put(this.#wrong, MAX_WRONG, name, freshUntilMs)
      return
    }
    const staleUntilMs = freshUntilMs + STALE_MS
    put(this.#known, MAX_KNOWN, name, { value, freshUntilMs, staleUntilMs })
  }
}

/** The oldest goes where there is no room. */
function put<T>(map: Map<string, T>, most: number, name: string, value: T): void {
  map.delete(name)
  const [oldest] = map.keys()
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
  map.set(name, value)
}
