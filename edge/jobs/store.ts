import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/nats-core'
import { z } from 'zod'
import { monotonicMs, sleep } from '../clock.ts'

/** JetStream's code for a compare-and-set that lost. */
const WRONG_LAST_SEQUENCE = 10_071
/** Timeouts are looked for together: a timer a write was a cost of its own. */
const SWEEP_MS = 250
const REFUSING_MS = 10_000

export interface PutOptions {
  /** Lets the server tell that a write made again is the same one. */
  msgId?: string
  /** The subject's last sequence as we know it, 0 for none: the write is refused where it is another. */
  expectLast?: number
  timeoutMs: number
  /** How often it is said before it is given up. */
  tries?: number
}

// The one that nearly always comes stands first: a branch that does not fit makes its issues before the next is tried.
const PubAck = z.union([
  z.object({ seq: z.int().positive() }),
  z.object({
    error: z.object({ err_code: z.int().optional(), description: z.string().optional() }),
  }),
])

/** The server answered, and will not store it: its disk is full, its stream is gone. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

interface Pending {
  resolve: (msg: Msg) => void
  reject: (cause: Error) => void
  untilMs: number
}

/**
 * Publishes to streams and hears the server's word for it, over one inbox. `js.publish` does the same and makes two
 * errors with their stacks, a timer and a race for every write: the errors alone were 6 % of a request's CPU in a profile.
 */
export class StreamStore implements Disposable {
  readonly #nc: NatsConnection
  readonly #inbox: string
  readonly #pending = new Map<string, Pending>()
  readonly #sweep: ReturnType<typeof setInterval>
  #count = 0
  #refusedAtMs = Number.NEGATIVE_INFINITY

  constructor(nc: NatsConnection, inboxPrefix: string | undefined) {
    this.#nc = nc
    this.#inbox = createInbox(inboxPrefix)
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (!error) this.#heard(msg)
      },
    })
    this.#sweep = setInterval(() => this.#expire(monotonicMs()), SWEEP_MS)
  }

  /** Whether the server said lately that it cannot store: a gateway that nobody tries any more is tried again. */
  get refusing(): boolean {
    return monotonicMs() - this.#refusedAtMs < REFUSING_MS
  }

  /** The sequence it was stored under, or `lost` where `expectLast` was not the last. Throws when nobody answers. */
  async put(
    subject: string,
    body: string | Uint8Array,
    options: PutOptions,
  ): Promise<number | 'lost'> {
    for (let tries = options.tries ?? 1; ; tries--) {
      try {
        const stored = read(await this.#ask(subject, body, options))
        this.#refusedAtMs = Number.NEGATIVE_INFINITY
        return stored
      } catch (thrown) {
        if (thrown instanceof Refused) this.#refusedAtMs = monotonicMs()
        if (tries <= 1 || !(thrown instanceof Unanswered)) throw thrown
        await sleep(SWEEP_MS)
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep)
    this.#expire(Number.POSITIVE_INFINITY)
  }

  #ask(
    subject: string,
    body: string | Uint8Array,
    { msgId, expectLast, timeoutMs }: PutOptions,
  ): Promise<Msg> {
    const token = (++this.#count).toString(36)
    const head = headers()
    if (msgId !== undefined) head.set('Nats-Msg-Id', msgId)
    if (expectLast !== undefined)
      head.set('Nats-Expected-Last-Subject-Sequence', String(expectLast))
    return new Promise((resolve, reject) => {
      this.#pending.set(token, { resolve, reject, untilMs: monotonicMs() + timeoutMs })
      this.#nc.publish(subject, body, { headers: head, reply: `${this.#inbox}.${token}` })
    })
  }

  #heard(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1)
    const pending = this.#pending.get(token)
    if (!pending) return
    this.#pending.delete(token)
    // A status without a body: no stream listens to that subject, or JetStream is not there.
    if (msg.headers?.code) pending.reject(new Unanswered(`status ${msg.headers.code}`))
    else pending.resolve(msg)
  }

  #expire(nowMs: number): void {
    for (const [token, { reject, untilMs }] of this.#pending) {
      if (nowMs < untilMs) continue
      this.#pending.delete(token)
      reject(new Unanswered('no answer in time'))
    }
  }
}

/** Nobody answered: the write may have been stored or not. */
class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

function read(msg: Msg): number | 'lost' {
  const ack = PubAck.parse(msg.json())
  if ('seq' in ack) return ack.seq
  if (ack.error.err_code === WRONG_LAST_SEQUENCE) return 'lost'
  throw new Refused(`the server refused a write: ${ack.error.description ?? ack.error.err_code}`)
}
