import type { HistoryEvent } from '../history.ts'
import { checkFaults } from './faults.ts'
import { figuresOf, type Figures } from './figures.ts'
import { checkEnds, checkKeys, checkSpans, checkUsage } from './jobs.ts'
import { checkLeftovers } from './leftovers.ts'
import { checkReading, type Damage } from './reading.ts'
import { storyOf, type Story } from './story.ts'
import { Findings, type Accuse, type Violation } from './verdict.ts'

export interface Verdict {
  fenced: boolean
  violations: Violation[]
  damage: Damage
  figures: Figures
}

/** Decides from a history alone whether the invariants held. It asks nobody, and believes no counter of the product. */
export function check(events: readonly HistoryEvent[]): Verdict {
  const { violations, accuse } = new Findings()
  const story = storyOf(events)
  const damage: Damage = { lost: 0, duplicated: 0, wrong: 0 }
  checkWhole(story, accuse)
  checkEnds(story, accuse)
  checkKeys(story, accuse)
  for (const stream of story.streams.values()) {
    checkReading(story, stream, accuse, damage)
    checkUsage(story, stream, accuse)
  }
  checkSpans(story, accuse)
  checkLeftovers(events, accuse)
  checkFaults(story, accuse)
  const fenced = story.params?.fenced ?? true
  return { fenced, violations, damage, figures: figuresOf(story) }
}

/** A history that stops early, or in which clients are missing, could hide anything. */
function checkWhole({ events, params, streams }: Story, accuse: Accuse): void {
  if (events[0]?.type !== 'run' || !params) accuse('history', 'it does not begin with a run')
  if (events.at(-1)?.type !== 'over') accuse('history', 'it does not end with the end of its run')
  for (const type of ['calm', 'stopped', 'metrics', 'subscriptions'] as const)
    if (!events.some((event) => event.type === type)) accuse('history', `it has no "${type}"`)
  if (params && streams.size !== params.streams)
    accuse('history', `${params.streams} streams were planned, and ${streams.size} are in it`)
}
