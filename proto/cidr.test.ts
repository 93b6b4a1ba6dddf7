import { assert, integer, property } from 'fast-check'
import { describe, test } from 'vitest'
import { addressOf, cidrOf, isWithin } from './cidr.ts'

function within(address: string, range: string): boolean {
  const [known, cidr] = [addressOf(address), cidrOf(range)]
  if (!known || !cidr) throw new Error(`no address or no range: ${address}, ${range}`)
  return isWithin(known, [cidr])
}

describe('a range of addresses', () => {
  test.for([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.8', '203.0.113.7', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '::/0', false],
    ['2001:db8::1', '0.0.0.0/0', false],
  ] as const)('%s in %s: %s', ([address, range, is], { expect }) => {
    expect(within(address, range)).toBe(is)
  })

  test.for([
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.1',
    '0x7f.1',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '::/129',
    'localhost',
    '10.0.0.0/-1',
    '1.2.3.4/1e1',
  ])('is not %j', (text, { expect }) => {
    expect(cidrOf(text)).toBeUndefined()
  })

  test('holds exactly the addresses that share its first bits', ({ expect }) => {
    const u32 = integer({ min: 0, max: 0xffff_ffff })
    assert(
      property(u32, u32, integer({ min: 0, max: 32 }), (base, address, bits) => {
        const range = `${dotted(base)}/${bits}`
        expect(within(dotted(address), range)).toBe(first(base, bits) === first(address, bits))
        expect(within(dotted(base), range)).toBe(true)
      }),
    )
  })
})

const dotted = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.')

const first = (n: number, bits: number): number => Math.floor(n / 2 ** (32 - bits))
