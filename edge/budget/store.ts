import type { BudgetSubject, BudgetUnit, BudgetWindow, Paid } from '../../proto/budget.ts'
import type { BudgetId, GatewayId } from '../../proto/ids.ts'
import type { PriceView } from '../../proto/price.ts'

export interface Budget {
  id: BudgetId
  subject: BudgetSubject
  unit: BudgetUnit
  window: BudgetWindow
}

/** What a gateway must know to let a job in. */
export interface Standing {
  prices: readonly PriceView[]
  budgets: readonly Budget[]
}

export interface LeaseAsk {
  budget: BudgetId
  startMs: number
  gateway: GatewayId
  /** Below this it is of no use. */
  need: bigint
  /** As much as would be welcome. */
  want: bigint
}

export interface Leased {
  /** Anything from nothing to `want`, or to `need` if that is more. */
  granted: bigint
  /** Of the cap, what is not spent; some of it may be leased. */
  unspent: bigint
}

/**
 * What all gateways share of budgets. It keeps, for each window of a budget, `spent` and a lease for each gateway, and
 * spent + all leases <= cap, whoever asks for what.
 */
export interface BudgetStore {
  standing(): Promise<Standing>
  /** Adds to the gateway's lease what may be had, and renews that one. */
  lease(ask: LeaseAsk): Promise<Leased>
  /** What a gateway neither spent nor will spend. */
  giveBack(gateway: GatewayId, amounts: readonly Omit<Paid, 'gateway'>[]): Promise<void>
  /** The gateway lives: its leases are its own for another `LEASE_MS`. Answers which it has, by `windowId`. */
  renew(gateway: GatewayId): Promise<ReadonlySet<string>>
  /** Up to which sequence of LEDGER finals are counted, and since when there are budgets; nothing where there are none. */
  counted(): Promise<{ ledgerSeq: number; sinceMs: number } | undefined>
  /** Moves what was paid from leases to `spent`, if `from` is still where the count stands; else does nothing. */
  count(step: { from: number; to: number; paid: readonly Paid[] }): Promise<boolean>
  /** Gateways whose leases were not renewed in time. */
  lapsed(): Promise<GatewayId[]>
  /** Ends the leases of a gateway that is gone, if they are still not renewed: nothing that is not counted names them. */
  close(gateway: GatewayId): Promise<void>
}
