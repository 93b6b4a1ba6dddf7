import { setTimeout as sleep } from 'node:timers/promises'
import type { Of } from '../history.ts'
import type { History } from '../history-file.ts'
import type { Ask, StreamPlan } from '../plan/streams.ts'
import { connection, type Outcome, type Wish } from './connection.ts'

/** Longer than the longest freeze: who cannot come back waits. */
const PLAIN_STALL_MS = 15_000
/** Two missed signs of life, and a bit: who can come back does. */
const RESUMABLE_STALL_MS = 2_500
const GIVE_UP_MS = 45_000

export interface Gateways {
  urls: readonly string[]
  key: string
}

type Purpose = Of<'opened'>['purpose']

interface Errand {
  method: Wish['method']
  path: string
  headers?: Record<string, string>
  body?: string
}

/** One client: asks, reads, comes back where it may, hangs up where it wants to. All it sees goes into the history. */
export class Client {
  readonly #history: History
  readonly #gateways: Gateways
  readonly #plan: StreamPlan
  #at: number
  #connections = 0
  #job: string | null = null
  #position = 0
  #events = 0
  #dropped = false

  constructor(history: History, gateways: Gateways, plan: StreamPlan) {
    this.#history = history
    this.#gateways = gateways
    this.#plan = plan
    this.#at = plan.gateway
  }

  /** Until it has its answer, or has done what it could. */
  async run(): Promise<void> {
    const { plan } = { plan: this.#plan }
    this.#history.add({ type: 'request', plan })
    const untilMs = performance.now() + GIVE_UP_MS
    while (performance.now() < untilMs) {
      const resuming = this.#job !== null
      const outcome = await this.#connect(resuming ? 'resume' : 'ask')
      if (outcome.how === 'left') return this.#leave()
      if (outcome.how === 'done') return this.#replay()
      if (!this.#mayComeBack(outcome)) return
      if (outcome.how === 'dropped') await sleep(plan.drops?.forMs ?? 0)
      else {
        this.#at++
        await sleep(50)
      }
    }
  }

  /** A request that was never answered may be made again; an answer that broke off is gone on with by who opted in. */
  #mayComeBack({ how, status }: Outcome): boolean {
    if (how === 'refused') return status === 404 ? this.#job !== null : (status ?? 0) >= 429
    return this.#job === null || this.#plan.resumable
  }

  async #leave(): Promise<void> {
    if (!this.#plan.resumable || this.#job === null) return
    // Its connection means nothing to its job: it must say that it wants no more.
    for (let tries = 0; tries < 20; tries++) {
      const outcome = await connection(
        this.#wish({ method: 'DELETE', path: `/v1/streams/${this.#job}` }),
        { opened: () => {}, told: () => 'stay' },
      )
      const { stream } = this.#plan
      this.#history.add({ type: 'cancelled', stream, status: outcome.status })
      if (outcome.status !== null && outcome.status < 429) return
      this.#at++
      await sleep(100)
    }
  }

  /** The same request under the same key: the answer that is there, and no second job. */
  async #replay(): Promise<void> {
    if (this.#plan.idempotencyKey !== null) await this.#connect('replay')
  }

  async #connect(purpose: Purpose): Promise<Outcome> {
    const { stream, leavesAfter, drops } = this.#plan
    const connectionNumber = this.#connections++
    const gateway = this.#gatewayUrl
    const of = { stream, connection: connectionNumber }
    const after = purpose === 'resume' ? this.#position : null
    const outcome = await connection(this.#wishFor(purpose), {
      opened: (headers) => {
        const job = headers['x-generation-id']
        const replayed = headers['idempotency-replayed'] === 'true'
        const named = typeof job === 'string' ? job : null
        if (purpose !== 'replay') this.#job = named
        this.#history.add({ type: 'opened', ...of, purpose, gateway, after, job: named, replayed })
      },
      told: (event) => {
        const { text, position, finish, completionTokens } = event
        this.#history.add({ type: 'event', ...of, text, position, finish, completionTokens })
        if (purpose === 'replay') return 'stay'
        if (position !== null) this.#position = position
        if (text !== '') this.#events++
        if (leavesAfter !== null && this.#events >= leavesAfter) return 'leave'
        if (this.#dropped || !drops || this.#events < drops.after) return 'stay'
        this.#dropped = true
        return 'drop'
      },
    })
    this.#history.add({ type: 'closed', ...of, gateway, ...outcome })
    return outcome
  }

  #wishFor(purpose: Purpose): Wish {
    const { ask, resumesBy, idempotencyKey, resumable } = this.#plan
    const posted = {
      ...(resumable && { 'x-stream-resume': '1' }),
      ...(idempotencyKey !== null && { 'idempotency-key': idempotencyKey }),
    }
    if (purpose !== 'resume')
      return this.#wish({ method: 'POST', path: POST, headers: posted, body: bodyOf(ask) })
    const last = { 'last-event-id': `${this.#job}:${this.#position}` }
    const path = `/v1/streams/${this.#job}`
    switch (resumesBy) {
      case 'after':
        return this.#wish({ method: 'GET', path: `${path}?after=${this.#position}` })
      case 'last-event-id':
        return this.#wish({ method: 'GET', path, headers: last })
      case 'post':
        return this.#wish({
          method: 'POST',
          path: POST,
          headers: { ...posted, ...last },
          body: bodyOf(ask),
        })
    }
  }

  get #gatewayUrl(): string {
    const { urls } = this.#gateways
    return urls[this.#at % urls.length] ?? ''
  }

  #wish({ method, path, headers = {}, body }: Errand): Wish {
    return {
      url: this.#gatewayUrl + path,
      method,
      headers: { authorization: `Bearer ${this.#gateways.key}`, ...headers },
      ...(body !== undefined && { body }),
      stallMs: this.#plan.resumable ? RESUMABLE_STALL_MS : PLAIN_STALL_MS,
    }
  }
}

const POST = '/v1/chat/completions'

export const bodyOf = ({ model, prompt, seed, temperature }: Ask): string =>
  JSON.stringify({
    model,
    seed,
    temperature,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: prompt }],
  })
