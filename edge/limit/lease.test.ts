import { describe, expect, test } from 'vitest'
import type { SharedBucket } from '../../proto/shared-bucket.ts'
import { freeIn, LEASE_MS, step, type Report } from './lease.ts'

const rate = { meter: 'requests', limit: 60 } as const
const streams = { meter: 'streams', limit: 4 } as const
const report = (gateway: string, more: Partial<Report>): Report => ({
  gateway,
  seq: 1,
  spent: 0,
  owed: 0,
  have: 0,
  inUse: 0,
  most: 0,
  least: 0,
  ...more,
})
const units = (shared: SharedBucket, gateway: string): number | undefined =>
  shared.leases[gateway]?.units

describe('a bucket that gateways share', () => {
  const leased = step(undefined, rate, report('a', { most: 20 }), 0)

  test('leases what is there, and no more', () => {
    expect(units(leased, 'a')).toBe(20)
    const second = step(leased, rate, report('b', { most: 100 }), 0)
    expect(units(second, 'b')).toBe(40)
    expect(freeIn(second, rate)).toBe(0)
  })

  test('gives nothing where it has less than is of use, and takes nothing away either', () => {
    const shared = step(leased, rate, report('b', { most: 50, least: 41 }), 0)
    expect(units(shared, 'b')).toBe(0)
    expect(freeIn(shared, rate)).toBe(40)
    const kept = step(shared, rate, report('a', { have: 20, most: 90, least: 70 }), 0)
    expect(units(kept, 'a')).toBe(20)
  })

  test('does not fill in for what is out', () => {
    const idle = step(leased, rate, report('b', {}), 4_000)
    expect(freeIn(idle, rate)).toBe(40)
    const back = step(idle, rate, report('a', { have: 20 }), 4_000)
    expect(freeIn(back, rate)).toBe(60)
  })

  test('counts a lease that was not renewed as spent, and fills in from its end on', () => {
    const later = step(leased, rate, report('b', {}), LEASE_MS + 3_000)
    expect(freeIn(later, rate)).toBeCloseTo(43)
    expect(units(later, 'a')).toBeUndefined()
    const returned = step(later, rate, report('a', { spent: 8, have: 12 }), LEASE_MS + 3_000)
    expect(freeIn(returned, rate)).toBeCloseTo(55)
  })

  test('is in debt for what was used beyond it, and gives nothing until that is paid', () => {
    const owing = step(leased, rate, report('a', { spent: 20, owed: 50 }), 0)
    expect(freeIn(owing, rate)).toBe(-10)
    expect(units(step(owing, rate, report('b', { most: 5 }), 9_000), 'b')).toBe(0)
    expect(units(step(owing, rate, report('b', { most: 5 }), 12_000), 'b')).toBe(2)
  })

  test('never holds more than the limit together with what is out, whatever is put back', () => {
    const shared = step(leased, rate, report('a', { have: 20, most: 20, owed: -30 }), 0)
    expect(freeIn(shared, rate)).toBe(40)
  })

  test('goes by the foremost clock', () => {
    const ahead = step(leased, rate, report('b', { most: 60 }), 3_000)
    expect(ahead.atMs).toBe(3_000)
    expect(step(ahead, rate, report('a', { have: 20, most: 20 }), 0).atMs).toBe(3_000)
  })

  test('of streams has room for those that run, whatever became of their lease', () => {
    const full = step(undefined, streams, report('a', { inUse: 3 }), 0)
    expect(units(step(full, streams, report('b', { most: 3 }), 0), 'b')).toBe(1)
    const over = step(full, streams, report('b', { most: 4 }), LEASE_MS)
    expect(units(over, 'b')).toBe(4)
    expect(units(step(over, streams, report('a', { inUse: 3, most: 1 }), LEASE_MS), 'a')).toBe(3)
  })
})
