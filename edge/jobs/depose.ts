import type { Desk } from './desk.ts'
import { accountOf } from './ledger.ts'
import type { LiveJob } from './live-job.ts'

/** Someone else wrote to this job's ledger: it is theirs now. Who reads it here goes on reading it there. */
export function depose(desk: Desk, live: LiveJob): void {
  desk.counts.deposed++
  live.outcome = 'failed'
  live.moved = true
  desk.lines.left(live)
  forget(desk, live)
  if (live.purse)
    desk.treasury?.strays.set(live.job.id, {
      account: accountOf(live.job),
      held: live.purse.leave(),
    })
  if (live.limited) desk.ended(live.job.id, live.job.tenant, undefined)
  live.tape.close({ moved: true })
}

/** Nothing is heard for it any more. */
export function forget(desk: Desk, live: LiveJob): void {
  if (desk.live.get(live.job.id) === live) desk.live.delete(live.job.id)
  desk.afterwards.add(() => live.subscription?.unsubscribe())
}
