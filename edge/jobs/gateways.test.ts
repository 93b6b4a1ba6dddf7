import { describe, expect, test } from 'vitest'
import { GatewayId } from '../../proto/ids.ts'
import { Gateways } from './gateways.ts'

const id = (text: string): GatewayId => GatewayId.parse(text)
const [self, other, third] = [id('g2-00000000'), id('g1-00000000'), id('g3-00000000')]
const ended = (user: string, number: number) => ({ client: { user, id: number } })

describe('another gateway', () => {
  test('is alive while it beats, and gone 600 ms after it last did', () => {
    const gateways = new Gateways(self, 0)
    gateways.heard(other, 7, 5_000)
    expect(gateways.isAlive(other, 5_600)).toBe(true)
    expect(gateways.takeGone(5_600)).toEqual([])
    expect(gateways.takeGone(5_601)).toEqual([other])
    expect(gateways.isAlive(other, 5_601)).toBe(false)
    expect(gateways.takeGone(5_602)).toEqual([])
  })

  test('whose connection ended is gone after 300 ms, unless it beats again', () => {
    const gateways = new Gateways(self, 0)
    for (const gateway of [other, third]) gateways.heard(gateway, 7, 5_000)
    gateways.ended(ended('g1', 7))
    gateways.ended(ended('g3', 8))
    expect(gateways.takeGone(5_301)).toEqual([other])
    gateways.heard(other, 9, 5_400)
    expect(gateways.isAlive(other, 5_700)).toBe(true)
  })

  test('that says goodbye is gone at once', () => {
    const gateways = new Gateways(self, 0)
    gateways.heard(other, 7, 100)
    gateways.bade(other)
    expect(gateways.takeGone(101)).toEqual([other])
    expect(gateways.isAlive(other, 102)).toBe(false)
  })

  test('is not gone for the time in which we could not hear', () => {
    const gateways = new Gateways(self, 0)
    gateways.heard(other, 7, 5_000)
    gateways.forgive(2_000)
    expect(gateways.takeGone(7_500)).toEqual([])
  })

  test('that was never heard of counts as alive only while we are new', () => {
    const gateways = new Gateways(self, 0)
    expect(gateways.isAlive(other, 999)).toBe(true)
    expect(gateways.isAlive(other, 1_000)).toBe(false)
    expect(gateways.isAlive(self, 1_000)).toBe(true)
  })

  test('comes before us or after us in one order that all agree on', () => {
    const gateways = new Gateways(self, 0)
    gateways.heard(other, 1, 0)
    gateways.heard(third, 2, 0)
    expect(gateways.rank()).toBe(1)
  })
})
