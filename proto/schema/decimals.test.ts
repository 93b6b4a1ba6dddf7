import * as fc from 'fast-check'
import { test } from 'vitest'
import { beside, decimals, multiplesOf, plain, wholes, within, type Bound } from './decimals.ts'
import { ALL_TEXTS, holds, type Language } from './language.ts'

const free = (): void => {}
const numbersBeside = (kind: Bound, at: number): Language =>
  within([decimals(free), beside(kind, at, free) ?? ALL_TEXTS], free) ?? ALL_TEXTS
const textOf = (value: number): string => plain(value + 0) ?? ''
const multiples = (by: number): Language => multiplesOf(by, free) ?? ALL_TEXTS

/** Numbers with few digits, so that they meet each other. */
const number = fc
  .tuple(fc.integer({ min: -20_000, max: 20_000 }), fc.nat(4))
  .map(([digits, places]) => Number(`${digits}e-${places}`))
const text = fc.tuple(number, fc.constantFrom('', '0', '00')).map(([value, zeros]) => {
  const written = textOf(value)
  return written.includes('.') ? written + zeros : written
})

const KEEPS: Record<Bound, (value: number, bound: number) => boolean> = {
  minimum: (value, bound) => value >= bound,
  exclusiveMinimum: (value, bound) => value > bound,
  maximum: (value, bound) => value <= bound,
  exclusiveMaximum: (value, bound) => value < bound,
}

test('numbers beside a bound are those, and no others', ({ expect }) => {
  const kind = fc.constantFrom(...(Object.keys(KEEPS) as Bound[]))
  fc.assert(
    fc.property(kind, number, fc.array(text, { minLength: 10 }), (bound, at, texts) => {
      const language = numbersBeside(bound, at)
      for (const each of [...texts, textOf(at)])
        expect(holds(language, each), `${each}, ${bound} ${at}`).toBe(
          KEEPS[bound](Number(each), at),
        )
    }),
    { numRuns: 500 },
  )
})

test('multiples of a number are those, and no others', ({ expect }) => {
  const divisor = fc.constantFrom(1, 2, 3, 7, 10, 13, 0.5, 0.25, 0.01, 2.5, 100, 999)
  fc.assert(
    fc.property(divisor, fc.array(text, { minLength: 10 }), (by, texts) => {
      const language = multiples(by)
      for (const each of texts)
        expect(holds(language, each), `${each} of ${by}`).toBe(
          Math.round(Number(each) * 1e4) % Math.round(by * 1e4) === 0,
        )
    }),
    { numRuns: 500 },
  )
})

test.for([
  [decimals(free), ['0', '-0.5', '1.0', '123456789012345', '0.000000000000001'], true],
  [decimals(free), ['-0', '-0.0', '01', '1.', '.5', '+1', '1e3', '1234567890123456', ''], false],
  [decimals(free), ['12345678901234.56', '-'], false],
  [wholes(free), ['0', '-7', '999999999999999'], true],
  [wholes(free), ['-0', '7.0', '00', '1234567890123456'], false],
] as const)('numbers are written as JSON has them: %#', ([language, texts, isIn], { expect }) => {
  expect(texts.map((each) => holds(language, each))).toEqual(texts.map(() => isIn))
})

test.for<[number, string | undefined]>([
  [0, '0'],
  [-2.5, '-2.5'],
  [1e21, '1000000000000000000000'],
  [1.5e-7, '0.00000015'],
  [1e-300, undefined],
  [123.456, '123.456'],
])('%d is %s without its exponent', ([value, written], { expect }) => {
  expect(plain(value)).toBe(written)
})
