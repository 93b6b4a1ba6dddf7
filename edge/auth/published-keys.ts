import { createLocalJWKSet, errors, type JWTHeaderParameters } from 'jose'
import { Jwks } from '../../proto/issuers.ts'
import { Failure } from '../../proto/failure.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type { Log } from '../ports.ts'
import { within } from '../within.ts'

/** After this an issuer is asked again, so that a key it took back is not believed for long. */
const FRESH_MS = 10 * 60_000
/** A key that is not known may be new; strangers can name any number of them. */
const ASK_AGAIN_MS = 30_000
/** An issuer of which nothing is known, and which did not answer. */
const RETRY_MS = 1_000
const FETCH_MS = 3_000
const MAX_BYTES = 64 * 1024
const POLL_MS = 20
/** An admin can name any number of addresses, one after the other. */
const MAX_SETS = 1_000

type Find = ReturnType<typeof createLocalJWKSet>

interface Published {
  find: Find | undefined
  freshUntilMs: number
  /** Not before this is it asked again, whatever for. */
  notBeforeMs: number
  asking: boolean
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * Public keys, as issuers publish them. Plain values are shared and promises are not: in a Worker a request must not wait
 * for what another one does. While an issuer is away, what it said last is good.
 */
export class PublishedKeys {
  readonly #fetch: Fetch
  readonly #log: Log
  readonly #sets = new Map<string, Published>()

  constructor(fetch: Fetch, log: Log) {
    this.#fetch = fetch
    this.#log = log
  }

  /** The key that signed a token with this header. Throws jose's `JWKSNoMatchingKey` where there is none of that name. */
  async find(url: string, header: JWTHeaderParameters): Promise<CryptoKey> {
    const known = await this.#current(url)
    try {
      return await known(header)
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown
      const newer = await this.#refreshed(url)
      if (!newer || newer === known) throw thrown
      return newer(header)
    }
  }

  async #current(url: string): Promise<Find> {
    const set = this.#setOf(url)
    if (set.find && monotonicMs() < set.freshUntilMs) return set.find
    return (await this.#refreshed(url)) ?? (await this.#awaited(set))
  }

  /** What it publishes now; what it published before, where it is too soon to ask or it does not answer. */
  async #refreshed(url: string): Promise<Find | undefined> {
    const set = this.#setOf(url)
    const nowMs = monotonicMs()
    if (nowMs < set.notBeforeMs) return set.find
    set.notBeforeMs = nowMs + ASK_AGAIN_MS
    set.asking = true
    try {
      const jwks = await within(FETCH_MS, this.#read(url))
      set.find = createLocalJWKSet(jwks)
      set.freshUntilMs = monotonicMs() + FRESH_MS
    } catch (cause) {
      this.#log.warn({ cause, url }, 'an issuer did not tell its keys')
      if (!set.find) set.notBeforeMs = monotonicMs() + RETRY_MS
    }
    set.asking = false
    return set.find
  }

  /** Somebody else asks for the first time: what it hears is good for all. */
  async #awaited(set: Published): Promise<Find> {
    // Whoever asks may be gone before it hears: a Worker drops what a request that ended was waiting for.
    const deadlineMs = monotonicMs() + FETCH_MS
    while (set.asking && !set.find && monotonicMs() < deadlineMs) await sleep(POLL_MS)
    if (set.find) return set.find
    throw new Failure('unavailable', 'The issuer of this token does not answer. Try again soon.', {
      retryAfterMs: 2_000,
    })
  }

  async #read(url: string): Promise<Jwks> {
    const signal = AbortSignal.timeout(FETCH_MS)
    // A redirect could lead anywhere, this machine included; `error` is unknown to workerd.
    const response = await this.#fetch(url, {
      redirect: 'manual',
      signal,
      headers: { accept: 'application/json' },
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`it answered ${response.status}`)
    }
    return Jwks.parse(JSON.parse(await textOf(response)))
  }

  #setOf(url: string): Published {
    const known = this.#sets.get(url)
    if (known) return known
    const [oldest] = this.#sets.keys()
    if (this.#sets.size >= MAX_SETS && oldest !== undefined) this.#sets.delete(oldest)
    const made = { find: undefined, freshUntilMs: 0, notBeforeMs: 0, asking: false }
    this.#sets.set(url, made)
    return made
  }
}

/** As text, given up where it is more than anybody publishes. */
async function textOf(response: Response): Promise<string> {
  const text = new TextDecoder()
  let read = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) throw new Error(`it is more than ${MAX_BYTES} bytes`)
    read += text.decode(chunk, { stream: true })
  }
  return read
}
