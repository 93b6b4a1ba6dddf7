import { describe, expect, test } from 'vitest'
import { GatewayId, GatewayName, newGatewayId } from './ids.ts'

describe('the name of a gateway', () => {
  test('leaves room for the nonce of its boot', () => {
    const longest = GatewayName.parse('g'.repeat(39))
    expect(GatewayId.safeParse(newGatewayId(longest)).success).toBe(true)
    expect(GatewayName.safeParse('g'.repeat(40)).success).toBe(false)
  })

  test.for(['', '-g', 'G1', 'g.1', 'g*'])('is not %j', (name) => {
    expect(GatewayName.safeParse(name).success).toBe(false)
  })
})
