import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { FORMATS } from './formats.ts'
import { holds, intersect, subtract, unite } from './language.ts'
import { languageOf } from './pattern.ts'

const free = (): void => {}
const logic = (a: boolean, b: boolean): boolean[] => [a && b, a || b, a && !b]
const read = (pattern: string) => languageOf(pattern, [], free)

/** Texts out of few characters, so that patterns of the same ones are met. */
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', '1', ' ', '-', 'ü', '👋', '\n'),
  maxLength: 6,
})
const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '\\d',
  '\\W',
  '\\s',
  '[ab]',
  '[^a1]',
  '[a-z]',
  'ü',
  '\\p{L}',
  '👋',
  '^',
  '$',
  '',
)
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
      .map(([a, times]) => `(${a})${times}`),
  ),
}))

describe('the language of a pattern', () => {
  test('holds the texts in which the pattern is found, and no others', ({ expect }) => {
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 8, maxLength: 8 }), (source, texts) => {
        const language = read(source)
        const found = new RegExp(source, 'u')
        for (const each of texts)
          expect(holds(language, each), `${JSON.stringify(each)} by ${source}`).toBe(
            found.test(each),
          )
      }),
      { numRuns: 500 },
    )
  })

  test('can be cut, joined and taken from another', ({ expect }) => {
    fc.assert(
      fc.property(pattern, pattern, fc.array(text, { maxLength: 8 }), (one, other, texts) => {
        const [a, b] = [read(one), read(other)]
        const made = [intersect(a, b, free), unite(a, b, free), subtract(a, b, free)]
        for (const each of texts) {
          const [inA, inB] = [holds(a, each), holds(b, each)]
          expect(made.map((language) => holds(language, each))).toEqual(logic(inA, inB))
        }
      }),
    )
  })

  test.for(['(?:){1000000000}', '(?:a{0}){1000000000,}', '(?:(?:){90000}){9000,9001}'])(
    'of %s is that of nothing, and as cheap',
    (source, { expect }) => {
      const sinceMs = performance.now()
      const language = read(`^${source}$`)
      expect([holds(language, ''), holds(language, 'a')]).toEqual([true, false])
      // Done as often as it says, it takes ten seconds or more.
      expect(performance.now() - sinceMs).toBeLessThan(1_000)
    },
  )

  test('never has a character that an answer cannot hold', ({ expect }) => {
    expect(['\u0000', '\u007f', '\ud800'].map((char) => holds(read('.*'), char))).toEqual([
      false,
      false,
      false,
    ])
  })
})

const patternOf = (format: string): string => FORMATS.get(format)?.pattern ?? ''

test.for([
  ['date', '2024-02-29', '2023-02-29'],
  ['date', '2000-02-29', '1900-02-29'],
  ['time', '23:59:59.5+02:00', '24:00:00Z'],
  ['date-time', '2024-12-31T00:00:00Z', '2024-12-31 00:00:00Z'],
  ['duration', 'P1Y2DT3H', 'P1YT'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123e4567e89b12d3a456426614174000'],
  ['ipv4', '255.0.10.1', '256.0.0.1'],
  ['ipv6', '2001:db8::1', '2001::db8::1'],
  ['ipv6', '::', '1:2:3:4:5:6:7'],
  ['hostname', 'a-1.example.org', '-a.example.org'],
  ['email', 'ada+1@example.org', 'ada@example'],
])('%s is the format of %s, and not of %s', ([format = '', good = '', bad = ''], { expect }) => {
  const language = read(patternOf(format))
  expect([holds(language, good), holds(language, bad)]).toEqual([true, false])
})
