import type { JobId } from '../../proto/ids.ts'
import type { Ask, Bucket, Log, Used } from '../ports.ts'
import { SlicedLimiter } from './sliced-limiter.ts'
import { MemoryStore } from './store-fixture.ts'

const BEAT_MS = 1_000
const log: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** Gateways on one store, and a clock that only a test moves. */
export class World {
  nowMs = 1_000
  readonly store: MemoryStore
  readonly #gateways = new Map<number, SlicedLimiter>()
  readonly #count: number
  #lives = 0

  /** `lags` are gone through in turn, one for each way to the store or back. */
  constructor(gateways: number, lags: readonly number[] = [1]) {
    this.#count = gateways
    let ways = 0
    this.store = new MemoryStore(
      () => this.nowMs,
      () => lags[ways++ % lags.length] ?? 1,
    )
    for (let i = 0; i < gateways; i++) this.start(i)
  }

  /** Another life at this place: what the former one knew is gone. */
  start(place: number): void {
    const gateway = new SlicedLimiter({
      gateway: `g${++this.#lives}`,
      store: this.store,
      gateways: () => this.#count,
      log,
      nowMs: () => this.nowMs,
    })
    this.#gateways.set(place, gateway)
  }

  at(place: number): SlicedLimiter {
    const gateway = this.#gateways.get(place % this.#count)
    if (!gateway) throw new Error(`nobody is at ${place}`)
    return gateway
  }

  end(place: number, job: string, used?: Used): void {
    this.at(place).end(job as JobId, 'p', used)
  }

  async beat(): Promise<void> {
    await Promise.all([...this.#gateways.values()].map((gateway) => gateway.beat()))
  }

  /** Time as it passes, beat by beat. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    while (this.nowMs < untilMs) {
      this.nowMs = Math.min(untilMs, this.nowMs + BEAT_MS)
      await this.beat()
    }
  }
}

export const bucketOf = (limit: number, more: Partial<Bucket> = {}): Bucket => ({
  id: 'requests:key_1',
  scope: 'key',
  meter: 'requests',
  limit,
  ...more,
})

export const asking = (...buckets: Bucket[]): Ask => ({
  project: 'p',
  buckets,
  cost: { requests: 1 },
})

/** A job that is one of so many streams. */
export const streamOf = (limit: number, id: string): Ask => ({
  project: 'p',
  buckets: [bucketOf(limit, { id: 'streams:key_1', meter: 'streams' })],
  cost: { streams: 1 },
  job: { id: id as JobId, promptTokens: 0 },
})

/** A job that is taken for so many tokens. */
export const tokensOf = (limit: number, id: string, tokens: number): Ask => ({
  project: 'p',
  buckets: [bucketOf(limit, { id: 'tokens:key_1', meter: 'tokens' })],
  cost: { tokens },
  job: { id: id as JobId, promptTokens: 0 },
})

/** How many of these were let through, all asked at once. */
export async function admitted(world: World, ask: Ask, places: readonly number[]): Promise<number> {
  const verdicts = await Promise.all(places.map(async (place) => world.at(place).take(ask)))
  return verdicts.filter(({ refusal }) => !refusal).length
}
