import { explore, intersect, type Language, type Spend } from './language.ts'

/**
 * Numbers as their digits. So many at most, that two of them are never the same double (DBL_DIG of C): what is above a
 * bound as it is written is above it for whoever reads it, too.
 */
const MOST_DIGITS = 15
const LONGEST_BOUND = 40
/** The remainders of a division are states. */
const MOST_MULTIPLE = 1000

const NUL = 0x30

type Step<K> = readonly [from: number, to: number, next: K]
const char = (text: string): number => text.codePointAt(0) ?? 0
const digits = <K>(from: number, to: number, next: K): Step<K>[] =>
  from <= to ? [[NUL + from, NUL + to, next]] : []
const eachDigit = <K>(next: (digit: number) => K): Step<K>[] =>
  Array.from({ length: 10 }, (_, digit) => [NUL + digit, NUL + digit, next(digit)] as const)

/** Numbers with up to 15 digits, no exponent, and no sign before a zero. */
export const decimals = (spend: Spend): Language => written('fraction', MOST_DIGITS, spend)
/** Whole numbers, as JSON writes them. */
export const wholes = (spend: Spend): Language => written('whole', MOST_DIGITS, spend)

interface Writing {
  at: 'start' | 'minus' | 'zero' | 'whole' | 'point' | 'fraction'
  /** Digits that may still come. */
  left: number
  /** A minus and nothing but zeros so far. */
  isNegativeZero: boolean
}

function written(kind: 'whole' | 'fraction', most: number, spend: Spend): Language {
  const start: Writing = { at: 'start', left: most, isNegativeZero: false }
  const point = (now: Writing): Step<Writing>[] =>
    kind === 'whole' || now.left === 0 ? [] : [[char('.'), char('.'), { ...now, at: 'point' }]]
  const edgesOf = (now: Writing): Step<Writing>[] => {
    const { at, left, isNegativeZero } = now
    const shorter = { left: left - 1, isNegativeZero: false }
    if (at === 'start' || at === 'minus')
      return [
        ...(at === 'start' ? [[char('-'), char('-'), { ...now, at: 'minus' }] as const] : []),
        ...digits(0, 0, { at: 'zero', left, isNegativeZero: at === 'minus' } as const),
        ...digits(1, 9, { at: 'whole', ...shorter } as const),
      ]
    if (at === 'zero') return point(now)
    if (at === 'whole')
      return [...(left > 0 ? digits(0, 9, { at, ...shorter }) : []), ...point(now)]
    if (left === 0) return []
    const zero: Writing = { at: 'fraction', left: left - 1, isNegativeZero }
    return [...digits(0, 0, zero), ...digits(1, 9, { at: 'fraction', ...shorter } as const)]
  }
  return explore(
    start,
    {
      keyOf: ({ at, left, isNegativeZero }) => `${at} ${left} ${isNegativeZero}`,
      edgesOf,
      accepts: ({ at, isNegativeZero }) =>
        !isNegativeZero && (at === 'zero' || at === 'whole' || at === 'fraction'),
    },
    spend,
  )
}

export type Bound = 'minimum' | 'exclusiveMinimum' | 'maximum' | 'exclusiveMaximum'

const KEEPS: Record<Bound, (compared: number) => boolean> = {
  minimum: (compared) => compared >= 0,
  exclusiveMinimum: (compared) => compared > 0,
  maximum: (compared) => compared <= 0,
  exclusiveMaximum: (compared) => compared < 0,
}

interface Comparing {
  isNegative: boolean
  /** Digits of the bound's whole part, or of its fraction, that were met. */
  met: number
  isFraction: boolean
  /** Of the digits so far, without signs: below, the same, above. */
  compared: number
}

/** The texts of numbers on one side of a bound; nothing where it has too many digits to be written. */
export function beside(kind: Bound, bound: number, spend: Spend): Language | undefined {
  const text = plain(Math.abs(bound))
  if (text === undefined) return undefined
  const [whole = '', fraction = ''] = text.split('.')
  const wholeSide = ({ met, compared }: Comparing): number =>
    met === whole.length ? compared : Math.sign(met - whole.length)
  const total = (now: Comparing): number => {
    const side = now.isFraction ? now.compared : wholeSide(now)
    const rest = now.isFraction ? fraction.slice(now.met) : fraction
    const size = side === 0 && rest !== '' ? -1 : side
    if (bound < 0) return now.isNegative ? -size : 1
    return now.isNegative ? -1 : size
  }
  const withDigit = (now: Comparing, digit: number): Comparing => {
    const against = now.isFraction ? fraction : whole
    const longest = whole.length + 1
    const met = now.isFraction ? now.met + 1 : Math.min(now.met + 1, longest)
    const compared = now.compared || Math.sign(digit - Number(against[now.met] ?? 0))
    // What is decided needs no count of its digits.
    return { ...now, compared, met: now.isFraction && compared !== 0 ? 0 : met }
  }
  return explore<Comparing>(
    { isNegative: false, met: 0, isFraction: false, compared: 0 },
    {
      keyOf: ({ isNegative, met, isFraction, compared }) =>
        `${isNegative} ${met} ${isFraction} ${compared}`,
      edgesOf: (now) => [
        ...(now.met === 0 && !now.isFraction && !now.isNegative
          ? [[char('-'), char('-'), { ...now, isNegative: true }] as const]
          : []),
        ...(now.isFraction
          ? []
          : [
              [
                char('.'),
                char('.'),
                { ...now, isFraction: true, met: 0, compared: wholeSide(now) },
              ] as const,
            ]),
        ...(now.isFraction && now.met > LONGEST_BOUND
          ? []
          : eachDigit((digit) => withDigit(now, digit))),
      ],
      accepts: (now) => KEEPS[kind](total(now)),
    },
    spend,
  )
}

interface Dividing {
  rest: number
  /** Digits after the point, up to those of the divisor. */
  places: number | null
}

/** The texts of the multiples of a number; nothing where it has too many digits. */
export function multiplesOf(divisor: number, spend: Spend): Language | undefined {
  const [whole = '', fraction = ''] = plain(divisor)?.split('.') ?? []
  const by = Number(`${whole}${fraction}`)
  if (!(by > 0 && by <= MOST_MULTIPLE)) return undefined
  const most = fraction.length
  const withDigit = ({ rest, places }: Dividing, digit: number): Dividing => ({
    rest: (rest * 10 + digit) % by,
    places: places === null ? null : places + 1,
  })
  return explore<Dividing>(
    { rest: 0, places: null },
    {
      keyOf: ({ rest, places }) => `${rest} ${places}`,
      edgesOf: (now) => [
        ...(now.places === null
          ? [
              [char('-'), char('-'), now] as const,
              [char('.'), char('.'), { ...now, places: 0 }] as const,
            ]
          : []),
        ...(now.places === most ? digits(0, 0, now) : eachDigit((digit) => withDigit(now, digit))),
      ],
      accepts: ({ rest, places }) => {
        let left = rest
        for (let place = places ?? 0; place < most; place++) left = (left * 10) % by
        return left === 0
      },
    },
    spend,
  )
}

/** A number without its exponent, as everyone reads it back; nothing where that would be long. */
export function plain(value: number): string | undefined {
  const [digitsOf = '', exponent = '0'] = String(value).split('e')
  const [sign, size] = digitsOf.startsWith('-') ? ['-', digitsOf.slice(1)] : ['', digitsOf]
  const [whole = '', fraction = ''] = size.split('.')
  const by = Number(exponent)
  if (whole.length + fraction.length + Math.abs(by) > LONGEST_BOUND) return undefined
  const all =
    by < 0
      ? '0'.repeat(-by) + whole + fraction
      : whole + fraction + '0'.repeat(Math.max(0, by - fraction.length))
  const point = by < 0 ? whole.length : whole.length + by
  const [before, after] = [all.slice(0, point), all.slice(point)]
  const trimmed = after.replace(/0+$/, '')
  return `${sign}${before.replace(/^0+(?=\d)/, '')}${trimmed === '' ? '' : `.${trimmed}`}`
}

/** What is in all of them. */
export const within = (languages: readonly Language[], spend: Spend): Language | undefined =>
  languages.length === 0 ? undefined : languages.reduce((all, each) => intersect(all, each, spend))
