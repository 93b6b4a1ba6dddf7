/** One job of one tenant, from when it is known until it is over. */
export interface Ticket<T> {
  readonly value: T
  readonly tenant: string
  /** What its tenant has been charged for it; before it is served, what it will be. */
  cost: number
}

interface Tenant<T> {
  counter: number
  /** In the order they came; one that leaves is taken out wherever it is. */
  readonly waiting: Set<Ticket<T>>
  /** Jobs that are served and not over: what they cost may still be corrected. */
  served: number
}

/** Tenants that have nothing here are remembered up to this many. */
const MAX_IDLE = 1_024

/**
 * The jobs of one class, by Virtual Token Counter (Sheng et al., arXiv 2401.00588): each tenant has a counter of what it
 * was served, and of those who wait the one with the smallest is next. Who comes after a while away is lifted to the smallest
 * of those who wait, so nobody saves up. Charges are made when a job is served,
 * for what is known of it then, and corrected as more is.
 *
 * The bound (theorem 4.4 of the paper, with corrections): let no job cost more than `u`, nor be charged more at first, and at most
 * `n` be served and uncorrected at once. Of two tenants that both have jobs waiting throughout an interval, neither is
 * served more than `2 (n + 1) u` beyond the other; `2 u` where the first charges are right.
 */
export class TokenCounters<T> {
  readonly #tenants = new Map<string, Tenant<T>>()
  readonly #backlogged = new Set<Tenant<T>>()
  /** The counter at which was last served. Who has nothing waiting and is not above it need not be remembered. */
  #floor = 0
  #size = 0
  #waitingCost = 0

  /** Jobs that wait. */
  get size(): number {
    return this.#size
  }

  /** Tenants that are remembered. */
  get known(): number {
    return this.#tenants.size
  }

  waitingOf(tenant: string): number {
    return this.#tenants.get(tenant)?.waiting.size ?? 0
  }

  put(ticket: Ticket<T>): void {
    const tenant = this.#join(ticket.tenant)
    tenant.waiting.add(ticket)
    this.#backlogged.add(tenant)
    this.#size++
    this.#waitingCost += ticket.cost
  }

  /** The next one, charged to its tenant. */
  take(): Ticket<T> | undefined {
    let next: Tenant<T> | undefined
    for (const tenant of this.#backlogged) if (!next || isBefore(tenant, next)) next = tenant
    const [ticket] = next?.waiting ?? []
    if (!next || !ticket) return undefined
    this.#unqueue(next, ticket)
    this.#serve(next, ticket)
    return ticket
  }

  /** Serves a job that never waited, since nobody does. */
  pass(ticket: Ticket<T>): void {
    this.#serve(this.#join(ticket.tenant), ticket)
  }

  /** Takes out a job that waits. */
  remove(ticket: Ticket<T>): void {
    const tenant = this.#tenants.get(ticket.tenant)
    if (!tenant?.waiting.has(ticket)) return
    this.#unqueue(tenant, ticket)
    this.#forgetIfIdle(ticket.tenant, tenant)
  }

  /** What a served job has cost so far, or in the end. */
  correct(ticket: Ticket<T>, cost: number): void {
    const tenant = this.#tenants.get(ticket.tenant)
    if (tenant) tenant.counter += cost - ticket.cost
    ticket.cost = cost
  }

  /** A served job is over, and its cost is what was last said. */
  end(ticket: Ticket<T>): void {
    const tenant = this.#tenants.get(ticket.tenant)
    if (!tenant) return
    tenant.served--
    this.#forgetIfIdle(ticket.tenant, tenant)
  }

  /** How many of those who wait come before the last job of a tenant, if all cost what they cost on average. */
  aheadOfLast(tenant: string): number {
    const mine = this.#tenants.get(tenant)
    if (!mine || mine.waiting.size === 0) return 0
    const mean = Math.max(1, this.#waitingCost / this.#size)
    const before = mine.waiting.size - 1
    let ahead = before
    for (const other of this.#backlogged) {
      if (other === mine) continue
      const turns = Math.ceil(before + (mine.counter - other.counter) / mean)
      ahead += Math.min(Math.max(turns, 0), other.waiting.size)
    }
    return ahead
  }

  /** Who has jobs here, for whoever looks on. */
  *view(): Generator<{ tenant: string; waiting: number; served: number; counter: number }> {
    for (const [name, tenant] of this.#tenants)
      if (!isIdle(tenant))
        yield {
          tenant: name,
          waiting: tenant.waiting.size,
          served: tenant.served,
          counter: tenant.counter,
        }
  }

  #join(name: string): Tenant<T> {
    const known = this.#tenants.get(name)
    // What waits or is served keeps its counter; the others are lifted.
    if (known && known.waiting.size > 0) return known
    const least = this.#least()
    if (known) {
      known.counter = Math.max(known.counter, least)
      return known
    }
    if (this.#tenants.size > MAX_IDLE + this.#backlogged.size) this.#forgetIdle()
    const tenant: Tenant<T> = { counter: least, waiting: new Set(), served: 0 }
    this.#tenants.set(name, tenant)
    return tenant
  }

  #least(): number {
    if (this.#backlogged.size === 0) return this.#floor
    let least = Number.POSITIVE_INFINITY
    for (const { counter } of this.#backlogged) least = Math.min(least, counter)
    return least
  }

  #serve(tenant: Tenant<T>, ticket: Ticket<T>): void {
    this.#floor = Math.max(this.#floor, tenant.counter)
    tenant.counter += ticket.cost
    tenant.served++
  }

  #unqueue(tenant: Tenant<T>, ticket: Ticket<T>): void {
    tenant.waiting.delete(ticket)
    if (tenant.waiting.size === 0) this.#backlogged.delete(tenant)
    this.#size--
    this.#waitingCost -= ticket.cost
  }

  #forgetIfIdle(name: string, tenant: Tenant<T>): void {
    if (isIdle(tenant) && tenant.counter <= this.#floor) this.#tenants.delete(name)
  }

  /** Those who would be lifted anyway go first, then those who came first: they are forgiven a job or so. */
  #forgetIdle(): void {
    for (const [name, tenant] of this.#tenants) this.#forgetIfIdle(name, tenant)
    for (const [name, tenant] of this.#tenants) {
      if (this.#tenants.size <= MAX_IDLE / 2) return
      if (isIdle(tenant)) this.#tenants.delete(name)
    }
  }
}

/** Of two that were served alike, who has less in service: the newcomer. */
const isBefore = (a: Tenant<unknown>, b: Tenant<unknown>): boolean =>
  a.counter < b.counter || (a.counter === b.counter && a.served < b.served)

const isIdle = (tenant: Tenant<unknown>): boolean =>
  tenant.waiting.size === 0 && tenant.served === 0
