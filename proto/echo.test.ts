import { describe, test } from 'vitest'
import { echoToken, parseEcho } from './echo.ts'

const line = (seed: number) => Array.from({ length: 50 }, (_, i) => echoToken(seed, i).id)

describe('an echo token', () => {
  test('depends on the seed and the position alone', ({ expect }) => {
    expect(line(7)).toEqual(line(7))
    expect(line(7)).not.toEqual(line(8))
    expect(new Set(line(7)).size).toBeGreaterThan(45)
  })
})

describe('the name of an echo model', () => {
  test.for([
    ['echo-200-10-50', { kind: 'chat', tokens: 200, gapMs: 10, prefillMs: 50 }],
    ['echo-say-7', { kind: 'chat', tokens: 0, gapMs: 7, prefillMs: 0, says: true }],
    ['echo-in-5', { kind: 'duplex', gapMs: 5 }],
    ['echo-1-2', undefined],
    ['echo--1-2-3', undefined],
    ['my-echo-1-2-3', undefined],
  ] as const)('%s says what it does', ([name, parsed], { expect }) => {
    expect(parseEcho(name)).toEqual(parsed)
  })
})
