import { describe, test } from 'vitest'
import { HistoryEvent } from '../history.ts'
import { at, breaches, changed, removed, third } from './breaches.ts'
import { check } from './check.ts'
import { sampleHistory } from './sample-history.ts'
import type { Invariant } from './verdict.ts'

const brokenBy = (events: HistoryEvent[]): Set<Invariant> =>
  new Set(check(events).violations.map(({ invariant }) => invariant))

describe('the checker', () => {
  test('finds nothing in a history where all that is allowed happened', ({ expect }) => {
    const { violations, figures, damage } = check(sampleHistory())
    expect(violations).toEqual([])
    expect(damage).toEqual({ lost: 0, duplicated: 0, wrong: 0 })
    expect(figures).toMatchObject({
      streams: 4,
      migrations: 1,
      unprovoked: 1,
      fenced: 1,
      cancelsMs: [4, 0],
    })
  })

  test('is given a sample that reads as a history', ({ expect }) => {
    const events = sampleHistory()
    expect(HistoryEvent.array().parse(JSON.parse(JSON.stringify(events)))).toEqual(events)
  })

  test.for(breaches)(
    'refuses $title by $breaks, and finds nothing else wrong',
    ({ how, breaks, also = [] }, { expect }) => {
      expect(brokenBy(how(sampleHistory()))).toEqual(new Set([breaks, ...also]))
    },
  )

  test('counts what was lost, and what came twice', ({ expect }) => {
    const lost = check(changed('event', removed, at(0, 1, third))(sampleHistory()))
    expect(lost.damage).toEqual({ lost: 1, duplicated: 0, wrong: 1 })
    const repeat = changed(
      'event',
      (event) => ({ ...event, text: event.text + third }),
      at(0, 1, third),
    )
    expect(check(repeat(sampleHistory())).damage).toEqual({ lost: 0, duplicated: 1, wrong: 1 })
  })
})
