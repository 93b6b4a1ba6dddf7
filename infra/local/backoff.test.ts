import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

test('a child that keeps dying is started again ever later, up to ten seconds', () => {
  const backoff = new Backoff()
  const delays = Array.from({ length: 9 }, () => backoff.next(50))
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('a child that lived half a minute is started again at once', () => {
  const backoff = new Backoff()
  for (let died = 0; died < 5; died++) backoff.next(29_999)
  expect(backoff.next(30_000)).toBe(100)
  expect(backoff.next(0)).toBe(200)
})
