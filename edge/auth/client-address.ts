import { addressOf, isWithin, type Address, type Cidr } from '../../proto/cidr.ts'

export interface Hops {
  /** The other end of the connection. */
  peer: string | undefined
  /** `X-Forwarded-For`: each proxy adds, at the end, whom it heard the request from. */
  forwardedFor: string | undefined
  /** The proxies whose word on that is taken. */
  trusted: readonly Cidr[]
}

/**
 * Who asks: the nearest hop that is no proxy of ours. What stands before it in the header was written by a stranger, and
 * anybody can write one. Nothing where a proxy of ours named something that is no address.
 */
export function clientAddress({ peer, forwardedFor, trusted }: Hops): Address | undefined {
  const named = forwardedFor?.split(',') ?? []
  let address = addressOf(peer ?? '')
  while (address && named.length > 0 && isWithin(address, trusted))
    address = addressOf(withoutPort(named.pop() ?? ''))
  return address
}

/** Some proxies add the port: `203.0.113.7:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  text.trim().replace(/^(\d[\d.]*|\[[^\]]*\]):\d+$/, '$1')
