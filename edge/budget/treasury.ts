import { windowStart, type BudgetUnit, type Fund, type Paid } from '../../proto/budget.ts'
import { Failure } from '../../proto/failure.ts'
import type { BudgetId, GatewayId, JobId } from '../../proto/ids.ts'
import { CREDIT_WINDOW, onlyCounts, SAYS, type Job, type JobKind } from '../../proto/job.ts'
import type { Account, Usage } from '../../proto/ledger.ts'
import { BY_TOKENS, tariffOf, type Price, type Tariff } from '../../proto/money.ts'
import { monotonicMs } from '../clock.ts'
import type { Log } from '../ports.ts'
import { Leases } from './leases.ts'
import { priceOf, replayPriceOf } from './price-of.ts'
import { promptBound } from './prompt-bound.ts'
import { paidBefore, Purse } from './purse.ts'
import { Standings } from './standings.ts'
import type { Budget, BudgetStore } from './store.ts'

/** An admission waits no longer than this for a database that does not answer. */
const ADMISSION_MS = 3_000

export interface TreasuryOptions {
  store: BudgetStore
  gateway: GatewayId
  log: Log
  /** Asks all gateways to give back what they do not need of a budget. */
  want: (budget: BudgetId) => void
}

/** Whoever waits for money: told when there is some, that there is none, or that nobody knows. */
export interface Waiter {
  purse: Purse
  /** The position that it would like to reach. */
  upTo: () => number
  /** There is money: whether that was enough to go on. */
  feed: () => boolean
  dry: () => void
  fail: (failure: Failure) => void
  patienceMs: number
}

/** What one gateway knows and holds of prices and budgets. On a token's way it is arithmetic in memory. */
export class Treasury implements AsyncDisposable {
  readonly standings: Standings
  readonly leases: Leases
  /** What we hold for answers that are another gateway's now, or that nobody knows the end of. It is billed with them. */
  readonly strays = new Map<JobId, { account: Account; held: readonly Paid[] }>()
  readonly #gateway: GatewayId

  constructor({ store, gateway, log, want }: TreasuryOptions) {
    this.#gateway = gateway
    this.standings = new Standings(store, log)
    this.leases = new Leases({ store, gateway, log, want })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.standings[Symbol.dispose]()
    await this.leases[Symbol.asyncDispose]()
  }

  /** A price or a budget was changed: there may be money where there was none. */
  changed(): void {
    this.standings.refresh()
    this.leases.hope()
  }

  /**
   * Fixes what a job costs and who pays, and takes what it needs at least: its prompt, as long as that can be, and one token.
   * Throws `insufficient_quota` where a budget does not have that. A job that only counts its prompt uses nothing of any budget.
   */
  async admit(job: Job): Promise<{ job: Job; purse?: Purse }> {
    const { prices, budgets } = this.standings.known ?? (await this.standings.get())
    const atMs = job.admittedAtMs
    const price = prices.length > 0 ? priceOf(prices, job, atMs) : undefined
    const funds = budgets.length > 0 && !onlyCounts(job) ? fundsOf(budgets, job, price) : []
    const [first, ...rest] = funds
    const priced = price ? { ...job, price } : job
    if (!first) return { job: priced }
    const purse = new Purse({
      gateway: this.#gateway,
      pays: this.#pays({ kind: job.kind, price, funds }),
      prompt: { promptTokens: promptBound(job), cachedTokens: 0 },
    })
    await this.#enter(purse, 1)
    return { job: { ...priced, funds: [first, ...rest] }, purse }
  }

  /** What an answer costs that is given again. Nobody computes it: it uses no tokens, but may cost money, all at once. */
  async replay(job: Job, usage: Usage): Promise<{ price?: Price; purse?: Purse }> {
    const { prices, budgets } = this.standings.known ?? (await this.standings.get())
    const price = replayPriceOf(prices, job, job.admittedAtMs)
    if (!price) return {}
    const funds = fundsOf(budgets, job, price).filter(({ unit }) => unit === 'money')
    if (funds.length === 0) return { price }
    const pays = this.#pays({ kind: job.kind, price, funds })
    const purse = new Purse({ gateway: this.#gateway, pays, prompt: usage, told: true })
    await this.#enter(purse, usage.completionTokens)
    return { price, purse }
  }

  /** What those who had the job before hold for it, now that it is known how far they came. */
  paidBefore(job: Job, used: Usage, before: { earlier: readonly Paid[]; last: GatewayId }): Paid[] {
    return paidBefore(this.#pays(job), used, before)
  }

  /** The money of a job that another gateway let in. */
  adopt(
    job: Job,
    at: { next: number; prompt: Pick<Usage, 'promptTokens' | 'cachedTokens'> | undefined },
    before: readonly Paid[],
  ): Purse {
    return new Purse({
      gateway: this.#gateway,
      pays: this.#pays(job),
      prompt: at.prompt ?? { promptTokens: promptBound(job), cachedTokens: 0 },
      told: at.prompt !== undefined,
      next: at.next,
      before,
    })
  }

  /** Of what we held for an answer, what was not billed goes back. */
  unspent(held: readonly Paid[], billed: readonly Paid[]): void {
    for (const { budget, startMs, gateway, amount } of held) {
      const bill = billed.find(
        (paid) => paid.budget === budget && paid.startMs === startMs && paid.gateway === gateway,
      )
      this.leases.putBack({ budget, startMs }, BigInt(amount) - BigInt(bill?.amount ?? 0))
    }
  }

  async #enter(purse: Purse, least: number): Promise<void> {
    const isIn = (): boolean => {
      purse.reach(least, monotonicMs())
      return purse.lacking(least, monotonicMs()).length === 0 && purse.upTo >= least
    }
    if (isIn()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.leases.wait({
      purse,
      upTo: () => least + CREDIT_WINDOW,
      feed: () => {
        const fed = isIn()
        if (fed) resolve()
        return fed
      },
      dry: () => reject(this.#refusal(purse, least)),
      fail: reject,
      patienceMs: ADMISSION_MS,
    })
    try {
      await promise
    } catch (thrown) {
      purse.close([])
      throw thrown
    }
  }

  #refusal(purse: Purse, least: number): Failure {
    const [lacking] = purse.lacking(least, monotonicMs())
    const { budget, unit } = lacking?.pool.fund ?? {}
    const amount = unit === 'tokens' ? `${lacking?.amount} tokens` : `${lacking?.amount} nano-units`
    return new Failure(
      'insufficient_quota',
      `The budget ${budget} has not enough left for this request: it may need ${amount} more. ` +
        'Ask whoever set the budget, or shorten the prompt.',
    )
  }

  #pays({
    kind,
    price,
    funds = [],
  }: {
    kind: JobKind
    price?: Price | undefined
    funds?: readonly Fund[] | undefined
  }) {
    return funds.map((fund) => {
      const tariff = tariffFor(fund.unit, price)
      // A vector or a score has its place in an answer, and costs nothing by itself.
      return {
        pool: this.leases.pool(fund),
        tariff: SAYS[kind] ? tariff : { ...tariff, completion: 0n },
      }
    })
  }
}

/** All that bind a job. Where the model has no price it costs no money, and uses tokens all the same. */
function fundsOf(budgets: readonly Budget[], job: Job, price: Price | undefined): Fund[] {
  const { key, tenant, organisation, admittedAtMs } = job
  return budgets
    .filter(({ subject }) => subject === key || subject === tenant || subject === organisation)
    .filter(({ unit }) => unit === 'tokens' || price !== undefined)
    .map(({ id, unit, window }) => ({
      budget: id,
      unit,
      startMs: windowStart(window, admittedAtMs),
    }))
}

const FREE: Tariff = { prompt: 0n, cached: 0n, completion: 0n, scale: 1n }

function tariffFor(unit: BudgetUnit, price: Price | undefined): Tariff {
  if (unit === 'tokens') return BY_TOKENS
  return price ? tariffOf(price) : FREE
}
