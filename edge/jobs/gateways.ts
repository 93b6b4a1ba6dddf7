import type { GatewayId } from '../../proto/ids.ts'
import { ConnectionEnded } from './connection-ended.ts'

/** Gateways beat five times a second: one that was not heard of for this long is gone. */
export const GONE_MS = 600
/** One whose connection ended as well is gone sooner. */
const GONE_DISCONNECTED_MS = 300
/** Who left is remembered this long: its answers turn up elsewhere. */
const LATELY_MS = 3_000
/** Whoever was there before us has beaten by now. */
const SETTLED_MS = 1_000
const MAX_GONE = 256

interface Sign {
  seenAtMs: number
  connection: number
  disconnected: boolean
}

/** The other gateways, as their beats and the server's disconnect events tell of them. Time comes in as an argument. */
export class Gateways {
  readonly #self: GatewayId
  readonly #openedAtMs: number
  readonly #signs = new Map<GatewayId, Sign>()
  /** Those that were here and are gone: every boot is another, so the former ones are forgotten in turn. */
  readonly #gone = new Set<GatewayId>()
  #leftAtMs = Number.NEGATIVE_INFINITY

  constructor(self: GatewayId, nowMs: number) {
    this.#self = self
    this.#openedAtMs = nowMs
  }

  heard(id: GatewayId, connection: number, nowMs: number): void {
    this.#gone.delete(id)
    this.#signs.set(id, { seenAtMs: nowMs, connection, disconnected: false })
  }

  /** The server says that a connection of the account of gateways ended. */
  ended(event: unknown): void {
    const parsed = ConnectionEnded.safeParse(event)
    if (!parsed.success) return
    const { id, user } = parsed.data.client
    for (const [gateway, sign] of this.#signs)
      if (sign.connection === id && gateway.startsWith(`${user}-`)) sign.disconnected = true
  }

  /** It said that it ends. */
  bade(id: GatewayId): void {
    const sign = this.#signs.get(id)
    if (sign) sign.seenAtMs = Number.NEGATIVE_INFINITY
  }

  /** We did not listen for so long: that much of the quiet is ours. */
  forgive(ms: number): void {
    for (const sign of this.#signs.values()) sign.seenAtMs += ms
  }

  /** Nobody could be heard until now. */
  excuse(nowMs: number): void {
    for (const sign of this.#signs.values()) sign.seenAtMs = nowMs
  }

  isAlive(id: GatewayId, nowMs: number): boolean {
    if (id === this.#self) return true
    if (this.#gone.has(id)) return false
    const sign = this.#signs.get(id)
    return sign ? !isGone(sign, nowMs) : nowMs - this.#openedAtMs < SETTLED_MS
  }

  /** How many live, this one among them. */
  get alive(): number {
    return this.#signs.size + 1
  }

  /** Whether it is heard of. */
  knows(id: GatewayId): boolean {
    return this.#signs.has(id)
  }

  /** Those who are gone since this was asked last. */
  takeGone(nowMs: number): GatewayId[] {
    const gone = [...this.#signs].filter(([, sign]) => isGone(sign, nowMs)).map(([id]) => id)
    for (const id of gone) {
      this.#signs.delete(id)
      this.#gone.add(id)
      const [oldest] = this.#gone
      if (this.#gone.size > MAX_GONE && oldest !== undefined) this.#gone.delete(oldest)
    }
    if (gone.length > 0) this.#leftAtMs = nowMs
    return gone
  }

  leftLately(nowMs: number): boolean {
    return nowMs - this.#leftAtMs < LATELY_MS || nowMs - this.#openedAtMs < LATELY_MS
  }

  /** Our place among the living, in an order that all of them agree on: they take over one after the other. */
  rank(): number {
    return [...this.#signs.keys()].filter((id) => id < this.#self).length
  }
}

const isGone = ({ seenAtMs, disconnected }: Sign, nowMs: number): boolean =>
  nowMs - seenAtMs > (disconnected ? GONE_DISCONNECTED_MS : GONE_MS)
