import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

test('a child that keeps dying is started again ever later, up to ten seconds', () => {
  const backoff = new Backoff()
  const delays = Array.from({ length: 9 }, () => backoff.next(0))
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('a child that was up for a second is started again at once, however often it is killed', () => {
  const backoff = new Backoff()
  for (let died = 0; died < 5; died++) backoff.next(999)
  const delays = Array.from({ length: 100 }, () => backoff.next(1_000))
  expect(new Set(delays)).toEqual(new Set([100]))
  expect(backoff.next(0)).toBe(200)
})
