import ipaddr from 'ipaddr.js'
import { z } from 'zod'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A range of addresses, ready to be asked. */
export type Cidr = [Address, number]

/** An address, or nothing where the text is none. IPv4 that came over an IPv6 socket is IPv4. */
export function addressOf(text: string): Address | undefined {
  const bare = text.trim().replace(/^\[(.*)\]$/, '$1')
  // Octal, hexadecimal and short forms mean different things to different programs: only four decimals will do.
  if (!ipaddr.IPv6.isValid(bare) && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined
  return ipaddr.process(bare)
}

/** A range, from `10.0.0.0/8`, `2001:db8::/32`, or one address. Nothing where the text is none. */
export function cidrOf(text: string): Cidr | undefined {
  const [base = '', bits, ...rest] = text.split('/')
  const address = addressOf(base)
  if (!address || rest.length > 0) return undefined
  const most = address.kind() === 'ipv4' ? 32 : 128
  if (bits === undefined) return [address, most]
  const width = Number(bits)
  return /^\d{1,3}$/.test(bits) && width <= most ? [address, width] : undefined
}

/** Whether an address lies in any of the ranges. */
export const isWithin = (address: Address, ranges: readonly Cidr[]): boolean =>
  ranges.some(([base, width]) => base.kind() === address.kind() && address.match(base, width))

export const CidrText = z
  .string()
  .max(100)
  .refine((text) => cidrOf(text) !== undefined, {
    message: 'An address or a range of them, such as "203.0.113.7" or "10.0.0.0/8".',
  })
