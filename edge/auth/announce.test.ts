import { describe, expect, test } from 'vitest'
import type { Log } from '../ports.ts'
import { announce } from './announce.ts'

describe('a change of a key', () => {
  test.for<[string, () => Promise<void>]>([
    ['says no', () => Promise.reject(new Error('the broker is away'))],
    ['says nothing', () => new Promise(() => undefined)],
  ])('is forgotten here and logged where the broker %s', async ([, tell]) => {
    const happened: string[] = []
    const log: Log = { info: () => {}, warn: () => {}, error: () => happened.push('logged') }
    await announce({ forget: () => happened.push('forgotten'), tell, log })()
    expect(happened).toEqual(['forgotten', 'logged'])
  })
})
