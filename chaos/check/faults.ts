import { planFaults } from '../plan/faults.ts'
import type { Story } from './story.ts'
import type { Accuse } from './verdict.ts'

/** I6: what was planned was done or left out for a reason, and the kernel says that it took effect. */
export function checkFaults({ params, faults, events }: Story, accuse: Accuse): void {
  if (!params) return
  for (const { plan, proof, name, pid } of faults) {
    const what = `fault ${plan.fault} (${plan.kind} of ${name}, process ${pid})`
    if (!proof) accuse('I6', `${what} was not seen to take effect`)
    else if (plan.kind === 'kill' && proof.struck.state !== 'gone')
      accuse('I6', `${what} left it in state ${proof.struck.state}`)
    else if (plan.kind === 'freeze' && proof.struck.state !== 'T')
      accuse('I6', `${what} left it in state ${proof.struck.state}`)
    else if (plan.kind === 'late' && proof.struck.state !== 'heard')
      accuse('I6', `${what} was not passed on by the server`)
    else if (plan.kind === 'freeze' && (!proof.resumed || proof.resumed.state === 'T'))
      accuse('I6', `${what} was not seen to end`)
  }
  const planned = planFaults(params)
  const done = new Set(faults.map(({ plan }) => plan.fault))
  const skipped = new Set(
    events.flatMap((event) => (event.type === 'skipped' ? event.plan.fault : [])),
  )
  for (const { fault } of planned)
    if (!done.has(fault) && !skipped.has(fault))
      accuse('I6', `fault ${fault} was planned and never done`)
  // Late frames need a job that moved, and there is not always one. On a slow machine many are not up when their turn comes.
  const strikes = planned.filter(({ kind }) => kind !== 'late')
  if (strikes.length > 0 && !strikes.some(({ fault }) => done.has(fault)))
    accuse('I6', `none of ${strikes.length} planned kills and freezes was done`)
}
