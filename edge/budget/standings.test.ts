import { expect, onTestFinished, test, vi } from 'vitest'
import type { Log } from '../ports.ts'
import { Standings } from './standings.ts'
import type { Standing } from './store.ts'

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }
const standing: Standing = { prices: [], budgets: [] }

test('a gateway that is asked before its database answers waits for it, and then lets in', async () => {
  const read = vi
    .fn<() => Promise<Standing>>()
    .mockRejectedValueOnce(new Error('it is on its way up'))
    .mockRejectedValueOnce(new Error('it is on its way up'))
    .mockResolvedValue(standing)
  const standings = new Standings({ standing: read }, quiet)
  onTestFinished(() => standings[Symbol.dispose]())
  expect(await standings.get()).toBe(standing)
  expect(read).toHaveBeenCalledTimes(3)
})
