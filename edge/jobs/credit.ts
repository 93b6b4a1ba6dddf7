import type { Paid } from '../../proto/budget.ts'
import type { Failure } from '../../proto/failure.ts'
import { CREDIT_WINDOW } from '../../proto/job.ts'
import { monotonicMs } from '../clock.ts'
import { exhaust, fail } from './conclude.ts'
import type { Desk } from './desk.ts'
import { giveCredit } from './holder-messages.ts'
import type { LiveJob } from './live-job.ts'

/** A stream waits no longer than this for a database that does not say what is left. */
const PATIENCE_MS = 20_000

/** Moves the window on to a position that was read, once half of it is used up. */
export function moveWindow(desk: Desk, live: LiveJob, read: number): void {
  // Its holder is another gateway's to speak to.
  if (live.moved) return
  const upTo = read + CREDIT_WINDOW
  if (upTo - live.window < CREDIT_WINDOW / 2) return
  live.window = upTo
  raiseCredit(desk, live)
}

/** An answer that nobody reads here is made all the same: it is kept for whoever comes. */
export const runOn = (desk: Desk, live: LiveJob): void => moveWindow(desk, live, live.next)

/**
 * Lets the holder go as far as its reader takes it, and, where budgets pay, no further than that is paid for. What is missing
 * is asked for, and the answer ends where it stands if there is no more.
 */
export function raiseCredit(desk: Desk, live: LiveJob): void {
  const credit = live.purse ? paidUpTo(desk, live) : live.window
  if (credit > live.credit) {
    if (live.next >= live.credit) live.silence.excuse(monotonicMs())
    live.credit = credit
    if (live.holder) giveCredit(desk, live, live.holder)
  }
  if (live.purse && live.next >= live.credit && live.credit < live.window) starve(desk, live)
}

function paidUpTo(desk: Desk, live: LiveJob): number {
  const { purse, window } = live
  if (!purse) return window
  const upTo = purse.reach(window, monotonicMs())
  for (const { pool, amount } of purse.costOf(CREDIT_WINDOW))
    desk.treasury?.leases.prefetch(pool, amount * BigInt(Math.max(pool.jobs, 1)))
  return upTo
}

/** Its next token is not paid for. */
function starve(desk: Desk, live: LiveJob): void {
  const { purse } = live
  const leases = desk.treasury?.leases
  if (!purse || !leases || live.starving || live.outcome || live.doubtful) return
  live.starving = true
  const over = (): boolean => {
    live.starving = false
    return live.outcome !== undefined || live.moved || live.doubtful
  }
  leases.wait({
    purse,
    upTo: () => live.window,
    feed: () => {
      if (live.outcome || live.moved || live.doubtful) return !(live.starving = false)
      const upTo = purse.reach(live.window, monotonicMs())
      if (upTo <= live.next) return false
      live.starving = false
      raiseCredit(desk, live)
      return true
    },
    dry: () => {
      if (!over()) void exhaust(desk, live)
    },
    fail: (failure: Failure) => {
      if (!over()) void fail(desk, live, failure)
    },
    patienceMs: PATIENCE_MS,
  })
}

/** Of gateways that had the job before us: whoever has it next must know. */
export function paidBefore({ purse }: LiveJob): { paid?: Paid[] } {
  const paid = purse?.before ?? []
  return paid.length > 0 ? { paid: [...paid] } : {}
}
