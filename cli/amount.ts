import { InvalidArgumentError } from 'commander'

const PLACES = 9

/** An amount of money as people write it, `2.50`, in nano-units. */
export function nanosIn(text: string): string {
  const [, whole = '', part = ''] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (!whole)
    throw new InvalidArgumentError('It must be an amount such as 2.50, with 9 decimals at most.')
  return String(BigInt(whole + part.padEnd(PLACES, '0')))
}

/** The other way, without zeros that say nothing. */
export function amountOf(nanos: string): string {
  const text = nanos.padStart(PLACES + 1, '0')
  const part = text.slice(-PLACES).replace(/0+$/, '')
  return part ? `${text.slice(0, -PLACES)}.${part}` : text.slice(0, -PLACES)
}
