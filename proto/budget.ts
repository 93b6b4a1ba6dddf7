import { z } from 'zod'
import { BudgetId, GatewayId, KeyId, OrganisationId, ProjectId } from './ids.ts'
import { Nanos } from './money.ts'

/** Nano-units of money, or tokens. */
export const BudgetUnit = z.enum(['money', 'tokens'])
export type BudgetUnit = z.infer<typeof BudgetUnit>

/** Days and months are the calendar's, in UTC. */
export const BudgetWindow = z.enum(['total', 'day', 'month'])
export type BudgetWindow = z.infer<typeof BudgetWindow>

/** Whose spending is counted: a key's, or that of all keys of a project or an organisation. */
export const BudgetSubject = z.union([OrganisationId, ProjectId, KeyId])
export type BudgetSubject = z.infer<typeof BudgetSubject>

/** One window of one budget. What a job draws on is fixed when it is admitted, also if it ends in the next month. */
export const Fund = z.object({
  budget: BudgetId,
  unit: BudgetUnit,
  /** When the window began, milliseconds since 1970; 0 for a budget without one. */
  startMs: z.int().nonnegative(),
})
export type Fund = z.infer<typeof Fund>

/** How much of what a job spent was leased by which gateway: one that was adopted was paid for by several. */
export const Paid = Fund.pick({ budget: true, startMs: true }).extend({
  gateway: GatewayId,
  amount: Nanos,
})
export type Paid = z.infer<typeof Paid>

export const NewBudget = z.object({
  subject: BudgetSubject,
  unit: BudgetUnit.default('money'),
  window: BudgetWindow.default('total'),
  cap: Nanos,
})
export type NewBudget = z.infer<typeof NewBudget>

export const BudgetView = NewBudget.extend({
  id: BudgetId,
  unit: BudgetUnit,
  window: BudgetWindow,
  /** Of the current window. */
  spent: Nanos,
  /** Held by gateways for answers that are being made: it is spent, or comes back. */
  leased: Nanos,
  createdAt: z.iso.datetime(),
})
export type BudgetView = z.infer<typeof BudgetView>

export const BudgetList = z.object({ data: z.array(BudgetView) })

/** One window of one budget, as a key of maps. */
export const windowId = ({ budget, startMs }: Pick<Fund, 'budget' | 'startMs'>): string =>
  `${budget} ${startMs}`

/** When the window that a moment lies in began. */
export function windowStart(window: BudgetWindow, atMs: number): number {
  if (window === 'total') return 0
  const at = new Date(atMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), window === 'day' ? at.getUTCDate() : 1)
}

/** A lease that is not renewed for this long may be ended, by the database's clock. */
export const LEASE_MS = 5_000

/** No lease takes more than this part of what is left, unless it needs it: others want some, and a gateway may die. */
const SHARE = 4n

/** What is given to one who asks: the rule of every store. */
export function grantOf({ need, want }: { need: bigint; want: bigint }, left: bigint): bigint {
  if (left <= 0n) return 0n
  const fair = want < left / SHARE ? want : left / SHARE
  const wished = fair > need ? fair : need
  return wished < left ? wished : left
}
