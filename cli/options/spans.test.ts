import { describe, expect, test } from 'vitest'
import { moment, span } from './spans.ts'

describe('a span', () => {
  test.for([
    ['0', 0],
    ['90s', 90],
    ['30m', 1_800],
    ['12h', 43_200],
    ['7d', 604_800],
  ] as const)('of %s is %d seconds', ([text, seconds]) => {
    expect(span(text)).toBe(seconds)
  })

  test.for(['', '7', '-1d', '1w', 'never'])('is not %j', (text) => {
    expect(() => span(text)).toThrow(/must be like/)
  })
})

describe('a moment to come', () => {
  test.for([
    ['never', 'never'],
    ['1d', '1970-01-02T00:00:00.000Z'],
    ['2030-01-01', '2030-01-01T00:00:00.000Z'],
  ] as const)('%s is %s', ([text, is]) => {
    expect(moment(text, 0)).toBe(is)
  })

  test.for(['', 'soon', '2030-13-01', '5 2030'])('is not %j', (text) => {
    expect(() => moment(text, 0)).toThrow(/must be like/)
  })
})
