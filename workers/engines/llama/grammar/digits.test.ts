import { assert, integer, oneof, property, tuple, constantFrom } from 'fast-check'
import { test } from 'vitest'
import { integers } from './digits.ts'

/** What such a grammar accepts, by the regular expression that it nearly is. */
const accepts = (grammar: string, text: string): boolean =>
  new RegExp(`^(?:${grammar.replaceAll(/[" ]/g, '')})$`).test(text)

const isBetween = (value: number, min: number, max: number): boolean => value >= min && value <= max

const near = constantFrom(0, 1, 9, 10, 11, 99, 100, 109, 199, 999, 1000, 123_456)
const number = oneof(
  near,
  near.map((value) => -value),
  integer({ min: -10_000, max: 10_000 }),
)

test('integers between two bounds are accepted, and no others', ({ expect }) => {
  assert(
    property(tuple(number, number), number, ([a, b], value) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)]
      const grammar = integers(min, max)
      for (const each of [value, min, max, min - 1, max + 1])
        expect(accepts(grammar, String(each)), `${each} in ${grammar}`).toBe(
          isBetween(each, min, max),
        )
    }),
    { numRuns: 2000 },
  )
})

test('integers without a bound have 15 digits at most, and end at zero on that side', ({
  expect,
}) => {
  const most = '9'.repeat(15)
  const [any, up, down] = [integers(null, null), integers(7, null), integers(null, -7)]
  expect([most, `-${most}`, '0'].map((text) => accepts(any, text))).toEqual([true, true, true])
  expect(['1'.repeat(16), '-0', '01', '+1', ''].some((text) => accepts(any, text))).toBe(false)
  expect([accepts(up, most), accepts(up, '6'), accepts(up, '-8')]).toEqual([true, false, false])
  expect([accepts(down, `-${most}`), accepts(down, '-6')]).toEqual([true, false])
  const far = integers(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  expect(accepts(far, String(Number.MAX_SAFE_INTEGER))).toBe(true)
  expect(accepts(far, '9007199254740992')).toBe(false)
})
