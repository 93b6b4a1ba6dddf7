import { expect, test } from 'vitest'
import { MIN_SILENCE_MS } from '../../edge/jobs/silence.ts'
import { PULL_MS } from '../../workers/intake/pulls.ts'

// A frozen worker's open pulls are served like any others: every job that is taken from it would be offered to it again.
test('a frozen worker’s pulls are over before it is called silent', () => {
  expect(PULL_MS).toBeLessThan(MIN_SILENCE_MS)
})
