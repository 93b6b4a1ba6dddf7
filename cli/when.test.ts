import { describe, expect, test } from 'vitest'
import { when } from './when.ts'

const NOW_MS = 1_000_000_000

describe('a time as people write it', () => {
  test.for([
    ['30m', 1_000_000 - 1_800],
    ['2h', 1_000_000 - 7_200],
    ['1d', 1_000_000 - 86_400],
    ['1970-01-02', 86_400],
    ['1970-01-02T00:00:01Z', 86_401],
  ] as const)('%s is %d', ([text, seconds]) => {
    expect(when(text, NOW_MS)).toBe(seconds)
  })

  test.for(['', 'yesterday', '7', '7y', '-1d', '2026-13-01', '5 2026'])('is not %j', (text) => {
    expect(() => when(text, NOW_MS)).toThrow(/must be like/)
  })
})
