import type { Fund } from '../../proto/budget.ts'
import { LEASE_MS, windowId } from '../../proto/budget.ts'
import { Failure } from '../../proto/failure.ts'
import type { BudgetId, GatewayId } from '../../proto/ids.ts'
import { monotonicMs, sleep } from '../clock.ts'
import type { Log } from '../ports.ts'
import { Pool } from './pool.ts'
import type { BudgetStore } from './store.ts'
import type { Waiter } from './treasury.ts'

const TICK_MS = 1_000
/** We count on a lease for so much less than the database does: our clocks run alike, not more. */
const MARGIN_MS = 1_000
/** How long others are given to give back what they hold: the gaps between looks. */
const PAUSES_MS = [20, 40, 80, 160, 320]
/** Whoever asks so soon after a look that found nothing is told the same. */
const DRY_MS = 250
const AWAY_MS = 250
/** A pool that nobody draws on for so long is given back. */
const IDLE_TICKS = 2

interface Held {
  pool: Pool
  waiting: Set<Waiter>
  serving: boolean
  refilling: boolean
  idleTicks: number
  /** There was nothing to be had ahead of time a moment ago. */
  scarceUntilMs: number
  /** What one round of all its answers takes: so much is welcome. */
  round: bigint
}

export interface LeasesOptions {
  store: Pick<BudgetStore, 'lease' | 'giveBack' | 'renew'>
  gateway: GatewayId
  log: Log
  want: (budget: BudgetId) => void
}

/** A gateway's leases: it asks for slices before they are needed, gives back what is not, and keeps them its own. */
export class Leases implements AsyncDisposable {
  readonly #options: LeasesOptions
  readonly #held = new Map<string, Held>()
  readonly #timer: ReturnType<typeof setInterval>
  #over = false

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#tick(), TICK_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    clearInterval(this.#timer)
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)))
  }

  pool(fund: Fund): Pool {
    return this.#of(fund).pool
  }

  /** Somebody needs more than there is. It is told when that has changed, or will not. */
  wait(waiter: Waiter): void {
    const nowMs = monotonicMs()
    const [lacking] = waiter.purse.lacking(waiter.purse.upTo + 1, nowMs)
    if (!lacking) {
      if (!waiter.feed()) waiter.dry()
      return
    }
    const held = this.#of(lacking.pool.fund)
    if (nowMs < lacking.pool.dryUntilMs) {
      waiter.dry()
      return
    }
    held.waiting.add(waiter)
    if (!held.serving) void this.#serve(held)
  }

  /** Asks for the next slice before this one is used up. `round` is what all that run here will ask for next. */
  prefetch(pool: Pool, round: bigint): void {
    const held = this.#of(pool.fund)
    held.round = round
    if (held.refilling || held.serving || this.#over) return
    const nowMs = monotonicMs()
    if (pool.free >= round / 2n || nowMs < held.scarceUntilMs) return
    held.refilling = true
    this.#lease(held, { need: 0n, want: round - pool.free })
      .then(({ granted }) => {
        if (granted < round / 2n) held.scarceUntilMs = nowMs + DRY_MS
        return feed(held)
      })
      .catch((cause: unknown) => {
        this.#options.log.warn({ cause, budget: pool.fund.budget }, 'a budget could not be leased')
      })
      .finally(() => (held.refilling = false))
  }

  /** Money came back to a pool: whoever waits for it is asked again. */
  returned(pool: Pool): void {
    const held = this.#of(pool.fund)
    if (held.waiting.size > 0) feed(held)
  }

  /** What was found to be dry may be so no more. */
  hope(): void {
    for (const held of this.#held.values())
      held.pool.dryUntilMs = held.scarceUntilMs = Number.NEGATIVE_INFINITY
  }

  putBack(window: Pick<Fund, 'budget' | 'startMs'>, amount: bigint): void {
    const held = this.#held.get(windowId(window))
    if (!held || amount <= 0n) return
    held.pool.put(amount)
    feed(held)
  }

  /** Another gateway lacks what we may hold for nobody. */
  wanted(budget: BudgetId): void {
    for (const held of this.#held.values())
      if (held.pool.fund.budget === budget && held.pool.free > 0n && held.waiting.size === 0)
        void this.#giveBack(held)
  }

  #of(fund: Fund): Held {
    const id = windowId(fund)
    const known = this.#held.get(id)
    if (known) return known
    const pool = new Pool(fund)
    const made: Held = {
      pool,
      waiting: new Set(),
      serving: false,
      refilling: false,
      idleTicks: 0,
      scarceUntilMs: Number.NEGATIVE_INFINITY,
      round: 0n,
    }
    this.#held.set(id, made)
    return made
  }

  async #serve(held: Held): Promise<void> {
    held.serving = true
    const { log, want } = this.#options
    const sinceMs = monotonicMs()
    let looks = 0
    for (;;) {
      this.#reroute(held)
      if (held.waiting.size === 0 || this.#over) break
      const ask = askOf(held)
      try {
        const { granted, unspent } = await this.#lease(held, ask)
        if (feed(held) || granted >= ask.need) looks = 0
        // However much is given back, it is not enough.
        else if (unspent < ask.need || looks >= PAUSES_MS.length) this.#dry(held)
        else {
          want(held.pool.fund.budget)
          await sleep(PAUSES_MS[looks++] ?? 0)
          feed(held)
        }
      } catch (cause) {
        log.warn({ cause, budget: held.pool.fund.budget }, 'a budget could not be leased')
        for (const waiter of held.waiting)
          if (monotonicMs() - sinceMs > waiter.patienceMs) fail(held, waiter, cause)
        await sleep(AWAY_MS)
      }
    }
    held.serving = false
  }

  /** Of several budgets another may be the one that lacks something now. */
  #reroute(held: Held): void {
    const nowMs = monotonicMs()
    for (const waiter of held.waiting) {
      const { purse } = waiter
      if (purse.lacking(purse.upTo + 1, nowMs).some(({ pool }) => pool === held.pool)) continue
      held.waiting.delete(waiter)
      this.wait(waiter)
    }
  }

  #dry(held: Held): void {
    held.pool.dryUntilMs = monotonicMs() + DRY_MS
    for (const waiter of held.waiting) {
      held.waiting.delete(waiter)
      waiter.dry()
    }
  }

  async #lease(
    { pool }: Held,
    ask: { need: bigint; want: bigint },
  ): Promise<{ granted: bigint; unspent: bigint }> {
    const { store, gateway } = this.#options
    const { budget, startMs } = pool.fund
    const sentMs = monotonicMs()
    const leased = await store.lease({ budget, startMs, gateway, ...ask })
    pool.leasedAtMs = monotonicMs()
    pool.lease(leased.granted, sentMs + LEASE_MS - MARGIN_MS)
    return leased
  }

  async #giveBack({ pool }: Held): Promise<void> {
    const amount = pool.empty()
    if (amount === 0n) return
    const { budget, startMs } = pool.fund
    try {
      await this.#options.store.giveBack(this.#options.gateway, [
        { budget, startMs, amount: String(amount) },
      ])
    } catch (cause) {
      // Whether it arrived nobody knows. It is not spent, and goes back with the lease when this gateway ends.
      this.#options.log.warn(
        { cause, budget, amount },
        'what is left of a lease was not given back',
      )
    }
  }

  async #tick(): Promise<void> {
    if (this.#held.size === 0) return
    for (const [id, held] of this.#held) {
      const { pool } = held
      held.idleTicks = pool.jobs === 0 && held.waiting.size === 0 ? held.idleTicks + 1 : 0
      if (held.idleTicks >= IDLE_TICKS || pool.free > 4n * held.round) void this.#giveBack(held)
      if (held.idleTicks > 60 && pool.free === 0n) this.#held.delete(id)
    }
    const sentMs = monotonicMs()
    try {
      const ours = await this.#options.store.renew(this.#options.gateway)
      for (const [id, { pool }] of this.#held) {
        if (ours.has(id)) pool.lease(0n, sentMs + LEASE_MS - MARGIN_MS)
        // It was ended while we were away, and what it held is others' now.
        else if (pool.leasedAtMs < sentMs) pool.empty()
      }
    } catch (cause) {
      this.#options.log.warn({ cause }, 'leases of budgets could not be renewed')
    }
  }
}

/** The least that lets anybody go on, and what would let all. */
function askOf({ waiting, pool, round }: Held): { need: bigint; want: bigint } {
  const nowMs = monotonicMs()
  let need: bigint | undefined
  let want = round
  for (const { purse, upTo } of waiting) {
    const lackingOf = (position: number): bigint =>
      purse.lacking(position, nowMs).find((lacking) => lacking.pool === pool)?.amount ?? 0n
    const least = lackingOf(purse.upTo + 1)
    need = need === undefined || least < need ? least : need
    want += lackingOf(upTo())
  }
  return { need: need ?? 0n, want }
}

/** Whether somebody goes on. */
function feed({ waiting }: Held): boolean {
  let fed = false
  for (const waiter of waiting) {
    if (!waiter.feed()) continue
    waiting.delete(waiter)
    fed = true
  }
  return fed
}

function fail({ waiting }: Held, waiter: Waiter, cause: unknown): void {
  waiting.delete(waiter)
  const message = 'What is left of the budget cannot be found out at the moment. Try again.'
  waiter.fail(new Failure('unavailable', message, { cause, retryAfterMs: 1_000 }))
}
