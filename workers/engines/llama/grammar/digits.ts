/** Digits of an integer whose schema gives no bound: what every JSON reader takes exactly. */
const MOST_DIGITS = 15

/** GBNF for the integers from `min` to `max`, written as JSON has them: no leading zero, no plus, no "-0". */
export function integers(min: number | null, max: number | null): string {
  const most = 10 ** MOST_DIGITS - 1
  const low = min ?? Math.min(-most, max ?? 0)
  const high = max ?? Math.max(most, min ?? 0)
  const parts: string[] = []
  if (low < 0) parts.push(...positive(Math.max(1, -high), -low).map((digits) => `"-" ${digits}`))
  if (high >= 0) parts.push(...positive(Math.max(0, low), high))
  return `( ${parts.join(' | ')} )`
}

/** One alternative for each length that a number between them may have, and several where a bound cuts through one. */
function positive(low: number, high: number): string[] {
  const [first, last] = [String(low), String(high)]
  const parts: string[] = []
  for (let length = first.length; length <= last.length; length++) {
    const from = length === first.length ? first : `1${'0'.repeat(length - 1)}`
    const to = length === last.length ? last : '9'.repeat(length)
    parts.push(...between(from, to))
  }
  return parts
}

/** Numbers of the same length. */
function between(from: string, to: string): string[] {
  const [a = '', b = ''] = [from[0], to[0]]
  const [fromRest, toRest] = [from.slice(1), to.slice(1)]
  if (from === to) return from === '' ? [''] : [`"${from}"`]
  if (fromRest === '') return [span(a, b)]
  if (a === b) return between(fromRest, toRest).map((rest) => `"${a}" ${rest}`)
  const zeros = '0'.repeat(fromRest.length)
  const nines = '9'.repeat(fromRest.length)
  const lowWhole = fromRest === zeros
  const highWhole = toRest === nines
  const parts: string[] = []
  if (!lowWhole) parts.push(...between(fromRest, nines).map((rest) => `"${a}" ${rest}`))
  const [first, last] = [Number(a) + (lowWhole ? 0 : 1), Number(b) - (highWhole ? 0 : 1)]
  if (first <= last) parts.push(`${span(String(first), String(last))} [0-9]{${zeros.length}}`)
  if (!highWhole) parts.push(...between(zeros, toRest).map((rest) => `"${b}" ${rest}`))
  return parts
}

const span = (from: string, to: string): string => (from === to ? `"${from}"` : `[${from}-${to}]`)
