import { describe, test } from 'vitest'
import { Line, MAX_WAITING, type Comer, type Seat } from './line.ts'

const job: Comer = { tenant: 'a', priority: 'default', cost: 100, bytes: 500, leftMs: 600_000 }

const lineOf = (slots: number, gateways = 1): Line<string> =>
  Object.assign(new Line<string>(), { slots, gateways })

/** A line whose slots are all taken, where one job ended every `intervalMs` from 0 on, and the time it is then. */
function busy(slots: number, intervalMs: number): { line: Line<string>; nowMs: number } {
  const line = lineOf(slots)
  const held: Seat<string>[] = []
  for (let i = 0; i < slots; i++) {
    const seat = line.enter(`first ${i}`, job, 0)
    line.claimed(seat)
    held.push(seat)
  }
  line.enter('offered', job, 0)
  line.enter('waits', job, 0)
  let nowMs = 0
  for (let i = 0; i <= slots; i++) {
    nowMs += intervalMs
    const seat = held.shift()
    if (seat) line.leave(seat, nowMs)
    held.push(line.join('held', job, nowMs, 'held'))
  }
  return { line, nowMs }
}

describe('a line', () => {
  test('offers what its free slots take and one more, and has the rest wait', ({ expect }) => {
    const line = lineOf(4)
    const stages = Array.from({ length: 8 }, (_, i) => line.enter(`${i}`, job, 0).stage)
    expect(stages.filter((stage) => stage === 'offered')).toHaveLength(5)
    expect(stages.slice(5)).toEqual(['waiting', 'waiting', 'waiting'])
  })

  test('offers its share of the slots, and one, where gateways share them', ({ expect }) => {
    const line = lineOf(8, 4)
    expect(line.windowAt(0)).toBe(3)
    expect(lineOf(0).windowAt(0)).toBe(1)
  })

  test('offers the next as one is claimed, whatever the others have of the slots', ({ expect }) => {
    const line = lineOf(2, 2)
    const seats = Array.from({ length: 6 }, (_, i) => line.enter(`${i}`, job, 0))
    let claimed = 0
    for (const seat of seats) {
      line.claimed(seat)
      claimed++
      line.next(0)
      expect(line.held).toBe(claimed)
    }
    expect([line.held, line.offered, line.fair.size]).toEqual([6, 0, 0])
  })

  test('leaves open who is next until a slot is free, where that keeps no slot waiting', ({
    expect,
  }) => {
    const { line, nowMs } = busy(4, 100)
    line.next(nowMs)
    line.offeringMs = 5
    expect([line.held, line.windowAt(nowMs)]).toEqual([4, 0])
    line.offeringMs = 20
    expect(line.windowAt(nowMs)).toBe(1)
    line.offeringMs = 90
    expect(line.windowAt(nowMs)).toBe(2)
    line.offeringMs = 5
    line.gateways = 2
    expect(line.windowAt(nowMs)).toBe(1)
  })

  test('holds back no longer than two seconds on what it thinks of free slots', ({ expect }) => {
    const { line, nowMs } = busy(4, 100)
    expect([line.windowAt(nowMs + 1_900), line.windowAt(nowMs + 2_100)]).toEqual([0, 1])
  })

  test('lets nobody pass those who wait', ({ expect }) => {
    const line = lineOf(1)
    const seats = Array.from({ length: 3 }, (_, i) => line.enter(`${i}`, job, 0))
    for (const seat of seats.slice(0, 2)) line.leave(seat, 0)
    expect(line.enter('late', { ...job, tenant: 'b' }, 0).stage).toBe('waiting')
    expect(line.next(0)?.value).toBe('2')
    expect(line.next(0)?.value).toBe('late')
  })

  test('tells who waits its place and, once it has seen jobs end, when it begins', ({ expect }) => {
    const fresh = lineOf(0)
    fresh.enter('offered', job, 0)
    expect(fresh.enter('waits', job, 0).queued).toEqual({ position: 0, etaMs: undefined })
    expect(fresh.enter('waits too', job, 0).queued).toEqual({ position: 1, etaMs: undefined })
    const { line, nowMs } = busy(4, 100)
    // One is offered and one waits: the third is taken when three have ended.
    expect(line.enter('third', job, nowMs).queued).toEqual({ position: 1, etaMs: 300 })
  })

  test('thinks of itself as slower while the next end does not come', ({ expect }) => {
    const { line, nowMs } = busy(4, 100)
    expect(line.intervalMs(nowMs)).toBe(100)
    expect(line.intervalMs(nowMs + 600)).toBe(200)
  })

  test('refuses at once what would begin after its deadline, and keeps nothing of it', ({
    expect,
  }) => {
    const { line, nowMs } = busy(4, 1_000)
    expect(() => line.enter('late', { ...job, leftMs: 2_000 }, nowMs)).toThrow(
      expect.objectContaining({ code: 'expired', retryAfterMs: 1_000 }),
    )
    expect(line.fair.size).toBe(1)
    expect(line.enter('in time', { ...job, leftMs: 4_000 }, nowMs).stage).toBe('waiting')
  })

  test('is never filled by one tenant: there is room for who comes then, until it is full', ({
    expect,
  }) => {
    const line = lineOf(0)
    const fill = (tenant: string): number => {
      for (let i = 0; ; i++)
        try {
          line.enter('', { ...job, tenant }, 0)
        } catch {
          return i
        }
    }
    expect(fill('a')).toBe(1 + (MAX_WAITING * 3) / 4)
    expect(fill('b')).toBe(MAX_WAITING * (3 / 16))
    for (let i = 0; i < 200; i++) fill(`t${i}`)
    expect(line.fair.size).toBe(MAX_WAITING)
  })

  test('tells who is refused to come back when an eighth has gone', ({ expect }) => {
    const { line, nowMs } = busy(4, 100)
    while (line.fair.size < (MAX_WAITING * 3) / 4) line.wait('', job, nowMs)
    expect(() => line.enter('', job, nowMs)).toThrow(
      expect.objectContaining({ code: 'overloaded', retryAfterMs: 19_200 }),
    )
  })

  test('holds no more bytes than it may', ({ expect }) => {
    const line = lineOf(0)
    const large = { ...job, bytes: 2 * 1024 * 1024 }
    const enter = (): string => line.enter('', large, 0).stage
    for (let i = 0; i < 129; i++) enter()
    expect(enter).toThrow('128 requests wait')
  })
})
