import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { amountOf, nanosIn } from './amount.ts'

test('an amount is read exactly', () => {
  expect(nanosIn('2.50')).toBe('2500000000')
  expect(nanosIn('0.000000001')).toBe('1')
  expect(amountOf('10000000')).toBe('0.01')
})

test('what is printed is read again as the same', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n - 1n }).map(String), (nanos) => {
      expect(nanosIn(amountOf(nanos))).toBe(nanos)
    }),
  )
})

test.for(['', '.5', '1.', '-1', '1e3', '0.0000000001', '1,5'])('%j is no amount', (text) => {
  expect(() => nanosIn(text)).toThrow('such as 2.50')
})
