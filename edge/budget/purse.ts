import type { Paid } from '../../proto/budget.ts'
import type { GatewayId } from '../../proto/ids.ts'
import type { Usage } from '../../proto/ledger.ts'
import { charge, reachOf, type Tariff } from '../../proto/money.ts'
import type { Pool } from './pool.ts'

type Prompt = Pick<Usage, 'promptTokens' | 'cachedTokens'>

/** One of the budgets that pay for an answer. */
interface Share {
  pool: Pool
  tariff: Tariff
  /** What gateways that had the job before us hold for it, in their order. */
  before: readonly Paid[]
  beforeTotal: bigint
  /** What we hold for it: taken from the pool. */
  held: bigint
}

export interface PurseOptions {
  gateway: GatewayId
  pays: readonly { pool: Pool; tariff: Tariff }[]
  /** What is known of the prompt, or what it is at most. */
  prompt: Prompt
  /** The prompt is known, and not a bound. */
  told?: boolean
  /** Where the answer stands. */
  next?: number
  before?: readonly Paid[]
}

/**
 * The money that one answer may use, of all its budgets. It pays for the prompt, before anybody reads it, and for the answer up
 * to a position, before any token up to there is asked for. So what was made is paid for, whoever dies.
 */
export class Purse {
  readonly #gateway: GatewayId
  readonly #shares: Share[]
  #prompt: Prompt
  #told: boolean
  #upTo: number
  #closed = false

  constructor({ gateway, pays, prompt, told = false, next = 0, before = [] }: PurseOptions) {
    this.#gateway = gateway
    this.#prompt = prompt
    this.#told = told
    this.#upTo = next
    this.#shares = pays.map(({ pool, tariff }) => {
      const ours = before.filter((paid) => isOf(paid, pool))
      return { pool, tariff, before: ours, beforeTotal: totalOf(ours), held: 0n }
    })
    for (const { pool } of this.#shares) pool.jobs++
  }

  /** Up to here the answer is paid for. */
  get upTo(): number {
    return this.#upTo
  }

  get pools(): Pool[] {
    return this.#shares.map(({ pool }) => pool)
  }

  /** What so many tokens of an answer cost each budget. */
  costOf(completionTokens: number): { pool: Pool; amount: bigint }[] {
    const usage = { promptTokens: 0, cachedTokens: 0, completionTokens }
    return this.#shares.map(({ pool, tariff }) => ({ pool, amount: charge(tariff, usage) }))
  }

  /** What those who had the job before us hold for it. */
  get before(): readonly Paid[] {
    return this.#shares.flatMap(({ before }) => before)
  }

  /** Takes from the pools what the answer costs up to a position, or up to the last one that all of them can pay. */
  reach(upTo: number, nowMs: number): number {
    if (this.#closed || upTo < this.#upTo) return this.#upTo
    let reach = upTo
    for (const share of this.#shares) {
      const purse = share.beforeTotal + share.held + share.pool.usable(nowMs)
      reach = Math.min(reach, reachOf(share.tariff, this.#prompt, purse, upTo))
    }
    if (reach < this.#upTo) return this.#upTo
    for (const share of this.#shares) {
      const missing = this.#missing(share, reach)
      if (missing <= 0n) continue
      share.pool.take(missing)
      share.held += missing
    }
    return (this.#upTo = reach)
  }

  /** The budgets that could not pay for the answer up to a position, and what each lacks. */
  lacking(upTo: number, nowMs: number): { pool: Pool; amount: bigint }[] {
    return this.#shares.flatMap((share) => {
      const amount = this.#missing(share, upTo) - share.pool.usable(nowMs)
      return amount > 0n ? [{ pool: share.pool, amount }] : []
    })
  }

  /** The prompt is no longer a guess: what was held for more of it goes back. The first word stands. */
  learn(prompt: Prompt): void {
    if (this.#told || this.#closed) return
    this.#told = true
    this.#prompt = prompt
    for (const share of this.#shares) this.#trim(share, -this.#missing(share, this.#upTo))
  }

  /**
   * What each budget pays for what was used, by the gateway that holds it: those before us first. No more than what is held, even
   * if a worker claims to have read a longer prompt than could be.
   */
  bill(usage: Usage): Paid[] {
    return this.#shares.flatMap((share) => {
      const { budget, startMs } = share.pool.fund
      let left = charge(share.tariff, usage)
      const own = { budget, startMs, gateway: this.#gateway, amount: String(share.held) }
      return [...share.before, own].flatMap((part) => {
        const amount = BigInt(part.amount) < left ? BigInt(part.amount) : left
        left -= amount
        return amount > 0n ? [{ ...part, amount: String(amount) }] : []
      })
    })
  }

  /** That is recorded: what we hold beside it goes back. */
  close(paid: readonly Paid[]): void {
    if (this.#closed) return
    this.#closed = true
    for (const share of this.#shares) {
      share.pool.jobs--
      // One of those before us may have been ourselves.
      const ours = totalOf(paid.filter((part) => isOf(part, share.pool))) - share.beforeTotal
      this.#trim(share, ours > 0n ? share.held - ours : share.held)
    }
  }

  /** Another gateway has the job: what we hold is its to bill, until it did. Answers what we hold. */
  leave(): Paid[] {
    if (this.#closed) return []
    this.#closed = true
    return this.#shares.map(({ pool, held }) => {
      pool.jobs--
      const { budget, startMs } = pool.fund
      return { budget, startMs, gateway: this.#gateway, amount: String(held) }
    })
  }

  #missing({ tariff, beforeTotal, held }: Share, upTo: number): bigint {
    return charge(tariff, { ...this.#prompt, completionTokens: upTo }) - beforeTotal - held
  }

  #trim(share: Share, surplus: bigint): void {
    const back = surplus < share.held ? surplus : share.held
    if (back <= 0n) return
    share.held -= back
    share.pool.put(back)
  }
}

const totalOf = (paid: readonly Paid[]): bigint =>
  paid.reduce((sum, { amount }) => sum + BigInt(amount), 0n)

export const isOf = (
  { budget, startMs }: Pick<Paid, 'budget' | 'startMs'>,
  { fund }: Pick<Pool, 'fund'>,
): boolean => budget === fund.budget && startMs === fund.startMs

/**
 * What those who had a job before hold for it at least: the first word of the prompt, and the tokens that they asked for. Who let
 * the job in holds its prompt from the start. Of one that took it over before the prompt was told nobody knows that: it may have
 * had nothing, and what it is billed then is missing from its lease, which others would spend again.
 */
export function paidBefore(
  pays: readonly { pool: Pool; tariff: Tariff }[],
  used: Usage,
  { earlier, last }: { earlier: readonly Paid[]; last: GatewayId },
): Paid[] {
  return pays.flatMap(({ pool, tariff }) => {
    const { budget, startMs } = pool.fund
    const [first, ...others] = earlier.filter((paid) => isOf(paid, pool))
    const known = first ? totalOf([first, ...others]) : 0n
    const read = atLeast0(charge(tariff, { ...used, completionTokens: 0 }) - known)
    const made = atLeast0(charge(tariff, used) - known)
    if (!first) return [{ budget, startMs, gateway: last, amount: String(made) }]
    return [
      { ...first, amount: String(BigInt(first.amount) + read) },
      ...others,
      { budget, startMs, gateway: last, amount: String(made - read) },
    ]
  })
}

const atLeast0 = (amount: bigint): bigint => (amount > 0n ? amount : 0n)
