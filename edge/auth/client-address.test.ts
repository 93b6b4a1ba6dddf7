import { array, assert, ipV4, property } from 'fast-check'
import { describe, test } from 'vitest'
import { cidrOf } from '../../proto/cidr.ts'
import { clientAddress } from './client-address.ts'

const trusted = [cidrOf('10.0.0.0/8') ?? never(), cidrOf('::1') ?? never()]

const seen = (peer: string | undefined, forwardedFor?: string): string | undefined =>
  clientAddress({ peer, forwardedFor, trusted })?.toString()

describe("a client's address", () => {
  test.for([
    ['203.0.113.7', undefined, '203.0.113.7'],
    ['203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::1', '2001:db8::5', '2001:db8::5'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['10.0.0.1', '[2001:db8::5]:4711', '2001:db8::5'],
    ['10.0.0.1', 'unknown', undefined],
    ['10.0.0.1', '6.6.6.6, ', undefined],
    [undefined, '198.51.100.1', undefined],
  ] as const)('from %s, forwarded for %s, is %s', ([peer, header, is], { expect }) => {
    expect(seen(peer, header)).toBe(is)
  })

  test('is never what a stranger wrote', ({ expect }) => {
    assert(
      property(array(ipV4()), (lies) => {
        expect(seen('203.0.113.7', lies.join(', '))).toBe('203.0.113.7')
        expect(seen('10.0.0.1', [...lies, '203.0.113.7'].join(', '))).toBe('203.0.113.7')
      }),
    )
  })
})

function never(): never {
  throw new Error('that is a range')
}
