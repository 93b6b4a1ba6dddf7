import { grantOf, type Fund, type Paid } from '../../proto/budget.ts'
import { GatewayId, newBudgetId } from '../../proto/ids.ts'
import type { Usage } from '../../proto/ledger.ts'
import { charge, type Tariff } from '../../proto/money.ts'
import { Pool } from './pool.ts'
import { paidBefore, Purse } from './purse.ts'

/** Half a unit and a third of one: nothing here divides evenly. */
const TARIFF: Tariff = { prompt: 2n, cached: 1n, completion: 3n, scale: 6n }
const BOUND = 40
const FUND: Fund = { budget: newBudgetId(), unit: 'money', startMs: 0 }

interface Gateway {
  id: GatewayId
  alive: boolean
  pool: Pool
  /** What it holds for answers that others took from it while it stood still. */
  strays: { job: Job; held: readonly Paid[] }[]
}

interface Job {
  owner: Gateway
  /** Whose money was the last that was spent on it. */
  former: Gateway
  /** As its message in JOBS says, and its records in LEDGER: whose leases may pay for it. */
  owed: Set<Gateway>
  purse: Purse
  /** What the worker was told it may reach, and what it said. */
  credit: number
  emitted: number
  prompt: { promptTokens: number; cachedTokens: number }
  told: boolean
  /** It was taken over before its prompt was told. */
  untold: boolean
  earlier: Paid[]
  final: { usage: Usage; paid: readonly Paid[] } | undefined
}

/** Gateways that lease, spend, end, die, take over and come back; a store that is away; and the count of what was spent. */
export class BudgetModel {
  readonly cap: bigint
  readonly gateways: Gateway[] = []
  readonly jobs: Job[] = []
  readonly #leases = new Map<Gateway, bigint>()
  readonly #ledger: Job[] = []
  #counted = 0
  spent = 0n
  away = false

  constructor(cap: bigint) {
    this.cap = cap
    for (let i = 0; i < 3; i++) this.start()
  }

  get leased(): bigint {
    return [...this.#leases.values()].reduce((a, b) => a + b, 0n)
  }

  /** No lease was ever asked to pay for more than it has beside what its gateway may still promise. */
  get lowest(): bigint {
    return this.gateways
      .map((at) => (this.#leases.get(at) ?? 0n) - (at.alive ? at.pool.free : 0n))
      .reduce((a, b) => (a < b ? a : b), 0n)
  }

  get billed(): bigint {
    return this.#ledger.reduce((sum, { final }) => sum + totalOf(final?.paid ?? []), 0n)
  }

  /**
   * What was used. Of a job that was taken over before its prompt was known, nobody can say what the one before held for that:
   * it is billed what its new gateway holds, and never more.
   */
  get owed(): bigint {
    return this.#ledger.reduce((sum, { final, untold }) => {
      const owed = final ? charge(TARIFF, final.usage) : 0n
      const billed = totalOf(final?.paid ?? [])
      return sum + (untold && billed < owed ? billed : owed)
    }, 0n)
  }

  start(): void {
    const id = GatewayId.parse(`g${this.gateways.length}`)
    this.gateways.push({ id, alive: true, pool: new Pool(FUND), strays: [] })
  }

  /** `heard`: the answer of the store reached it. */
  lease(at: Gateway, want: bigint, heard: boolean): void {
    if (this.away || !at.alive) return
    const granted = grantOf({ need: want / 2n, want }, this.cap - this.spent - this.leased)
    this.#leases.set(at, (this.#leases.get(at) ?? 0n) + granted)
    if (heard) at.pool.lease(granted, Number.POSITIVE_INFINITY)
  }

  giveBack(at: Gateway): void {
    if (this.away || !at.alive) return
    this.#leases.set(at, (this.#leases.get(at) ?? 0n) - at.pool.empty())
  }

  admit(owner: Gateway, promptTokens: number): void {
    if (!owner.alive) return
    const pays = [{ pool: owner.pool, tariff: TARIFF }]
    const bound = { promptTokens: BOUND, cachedTokens: 0 }
    const purse = new Purse({ gateway: owner.id, pays, prompt: bound })
    if (purse.reach(1, 0) < 1) return purse.close([])
    const prompt = { promptTokens, cachedTokens: promptTokens >> 1 }
    const owed = new Set([owner])
    const about = { emitted: 0, prompt, told: false, untold: false, earlier: [], final: undefined }
    this.jobs.push({ owner, former: owner, owed, purse, credit: purse.upTo, ...about })
  }

  raise(job: Job, tokens: number): void {
    if (!job.final && job.owner.alive) job.credit = job.purse.reach(job.credit + tokens, 0)
  }

  /** The worker tells of the prompt before its first token, and goes no further than it may; whether its gateway hears it or not. */
  say(job: Job, tokens: number, heard: boolean): void {
    if (job.final) return
    job.told = true
    job.emitted = Math.min(job.emitted + tokens, job.credit)
    if (heard && job.owner.alive) job.purse.learn(job.prompt)
  }

  /** `closed`: it lives long enough after its record to know that it was written. */
  settle(job: Job, closed: boolean): void {
    if (job.final || !job.owner.alive) return
    if (job.told) job.purse.learn(job.prompt)
    const usage = usageOf(job)
    job.final = { usage, paid: job.purse.bill(usage) }
    this.#ledger.push(job)
    if (closed) job.purse.close(job.final.paid)
    else this.die(job.owner)
  }

  die(at: Gateway): void {
    at.alive = false
  }

  /**
   * Of one that is gone, or that only stood still and finds out later. Not `recorded`: it dies once the job is its own, and
   * before it wrote down who pays for what was made. Nothing of its own was spent then.
   */
  adopt(job: Job, by: Gateway, recorded: boolean): void {
    if (job.final || !by.alive) return
    const { owner } = job
    if (owner.alive) owner.strays.push({ job, held: job.purse.leave() })
    job.owed.add(by)
    job.owner = by
    if (!recorded) return this.die(by)
    const last = job.former.id
    job.former = by
    job.untold ||= !job.told
    const pays = [{ pool: by.pool, tariff: TARIFF }]
    const before = paidBefore(pays, usageOf(job), { earlier: job.earlier, last })
    job.purse = new Purse({
      gateway: by.id,
      pays,
      prompt: job.told ? job.prompt : { promptTokens: BOUND, cachedTokens: 0 },
      told: job.told,
      next: job.emitted,
      before,
    })
    job.earlier = before
    job.credit = job.emitted
  }

  count(records: number): void {
    if (this.away) return
    for (const { final } of this.#ledger.slice(this.#counted, this.#counted + records))
      for (const { gateway, amount } of final?.paid ?? []) {
        const payer = this.gateways.find(({ id }) => id === gateway)
        if (!payer) throw new Error(`${gateway} is not known`)
        this.spent += BigInt(amount)
        this.#leases.set(payer, (this.#leases.get(payer) ?? 0n) - BigInt(amount))
      }
    this.#counted = Math.min(this.#counted + records, this.#ledger.length)
  }

  /** As the bookkeeper: not while a job that is not over, or a final that is not counted, may name it. */
  close(gone: Gateway): void {
    if (this.away || gone.alive || this.#counted < this.#ledger.length) return
    if (this.jobs.some(({ final, owed }) => !final && owed.has(gone))) return
    this.#leases.delete(gone)
  }

  returnStrays(at: Gateway): void {
    if (!at.alive) return
    at.strays = at.strays.filter(({ job, held }) => {
      if (!job.final) return true
      const billed = totalOf(job.final.paid.filter(({ gateway }) => gateway === at.id))
      if (!job.owed.has(at) || job.final.paid.length === 0) at.pool.put(totalOf(held))
      else at.pool.put(max(totalOf(held) - billed, 0n))
      return false
    })
  }
}

function usageOf({ told, prompt, emitted }: Job): Usage {
  const read = told ? prompt : { promptTokens: 0, cachedTokens: 0 }
  return { ...read, completionTokens: emitted }
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const totalOf = (paid: readonly Paid[]): bigint =>
  paid.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
