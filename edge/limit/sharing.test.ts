import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ask } from '../ports.ts'
import { admitted, asking, bucketOf, streamOf, tokensOf, World } from './world-fixture.ts'

const PLACES = 3
const MINUTE_MS = 60_000
/** A lease, and the beats that it takes to hear of it. */
const HEALED_MS = MINUTE_MS + 10_000

type Move = (world: World) => Promise<unknown>
const place = nat(PLACES - 1)
const span = constantFrom(1, 300, 1_000, 2_000, 4_400, 4_900, 6_000, 9_000)

const passing: Arbitrary<Move> = span.map((ms) => (world) => world.pass(ms))
/** Nobody's timers run: every gateway stood still. */
const standing: Arbitrary<Move> = span.map((ms) => async (world) => void (world.nowMs += ms))
const beating: Arbitrary<Move> = place.map((at) => (world) => world.at(at).beat())
const dying: Arbitrary<Move> = place.map((at) => async (world) => world.start(at))

const lags = array(nat(12), { minLength: 1, maxLength: 20 })

describe('gateways that share a limit, whatever happens in whatever order', () => {
  test('never let through more than one bucket would, and have all of it again in the end', async () => {
    const limits = constantFrom(1, 5, 8, 24, 64)
    await assert(
      asyncProperty(limits, movesWith(taking), lags, async (limit, moves, ways) => {
        const world = new World(PLACES, ways)
        const passed = passedIn(world, asking(bucketOf(limit)))
        for (const move of moves) await move(world, passed)
        expect(excess(passed.atMs, limit)).toBeLessThan(0.01)
        await world.pass(HEALED_MS)
        expect(await passed.take([moves.length], limit + 10)).toBe(limit)
      }),
      { numRuns: 600 },
    )
  })

  test('never have more streams than it allows, and room for all of them in the end', async () => {
    const moves = array(
      oneof(
        record({ at: place, n: integer({ min: 1, max: 5 }) }).map(opening),
        record({ at: place, n: integer({ min: 1, max: 5 }) }).map(ending),
        passing.map((move) => (world: World) => move(world)),
        place.map((at) => (world: World, streams: Streams) => dyingWith(world, streams, at)),
      ),
      { maxLength: 40 },
    )
    await assert(
      asyncProperty(integer({ min: 1, max: 12 }), moves, lags, async (limit, all, ways) => {
        const world = new World(PLACES, ways)
        const streams: Streams = { limit, running: [[], [], []], begun: 0, most: 0 }
        for (const move of all) await move(world, streams)
        expect(streams.most).toBeLessThanOrEqual(limit)
        for (const [at, jobs] of streams.running.entries())
          for (const job of jobs) world.end(at, job)
        await world.pass(HEALED_MS)
        streams.running = [[], [], []]
        await opening({ at: 0, n: limit + 3 })(world, streams)
        expect(streams.running[0]).toHaveLength(limit)
      }),
      { numRuns: 60 },
    )
  })

  test('owe exactly what was used, whatever was thought to be needed', async () => {
    const jobs = array(
      record({ at: place, taken: integer({ min: 1, max: 300 }), used: nat(400), beat: place }),
      { minLength: 1, maxLength: 30 },
    )
    await assert(
      asyncProperty(jobs, lags, async (all, ways) => {
        const limit = 20_000
        const world = new World(PLACES, ways)
        for (const [i, { at, taken }] of all.entries())
          expect(await world.at(at).take(tokensOf(limit, `j${i}`, taken))).not.toHaveProperty(
            'refusal',
          )
        for (const [i, { at, used, beat }] of all.entries()) {
          const told = world.at(beat).beat()
          world.end(at, `j${i}`, { promptTokens: 0, completionTokens: used })
          await told
        }
        const sum = all.reduce((total, { used }) => total + used, 0)
        // What is idle comes home, and the rest was used. Time enough to ask anew heals some tokens.
        for (let i = 0; i < 3; i++) await world.beat()
        world.nowMs += 300
        const healed = limit * (300 / MINUTE_MS)
        const more = tokensOf(limit, 'most', limit - Math.max(0, sum - healed) + 1)
        expect(await admitted(world, more, [0])).toBe(0)
        expect(await admitted(world, tokensOf(limit, 'rest', limit - sum), [0])).toBe(1)
      }),
      { numRuns: 60 },
    )
  })
})

interface Passed {
  atMs: number[]
  take: (at: readonly number[], n: number) => Promise<number>
}

function passedIn(world: World, ask: Ask): Passed {
  const atMs: number[] = []
  /** So many at each of these places, all at once. */
  const take = async (at: readonly number[], n: number): Promise<number> => {
    const places = Array.from({ length: n }, () => at).flat()
    const count = await admitted(world, ask, places)
    for (let i = 0; i < count; i++) atMs.push(world.nowMs)
    return count
  }
  return { atMs, take }
}

type Taking = (world: World, passed: Passed) => Promise<unknown>

const taking: Arbitrary<Taking> = record({
  at: array(place, { minLength: 1, maxLength: 3 }),
  n: constantFrom(1, 2, 5, 9, 80),
}).map(
  ({ at, n }) =>
    (_, passed) =>
      passed.take(at, n),
)

/** Somebody asks while the store is being told. */
const rushing: Arbitrary<Taking> = record({ beats: place, move: taking }).map(
  ({ beats, move }) =>
    (world, passed) =>
      Promise.all([world.at(beats).beat(), move(world, passed)]),
)

const movesWith = (more: Arbitrary<Taking>): Arbitrary<Taking[]> =>
  array(oneof(more, more, more, rushing, standing, standing, passing, beating, dying), {
    maxLength: 30,
  })

/** By how many the worst window has more than one bucket with this limit lets through. */
const excess = (atMs: readonly number[], limit: number): number =>
  atMs.reduce((worst, from, i) => {
    const over = atMs.slice(i).map((to, j) => j + 1 - limit - ((to - from) * limit) / MINUTE_MS)
    return Math.max(worst, ...over)
  }, 0)

interface Streams {
  limit: number
  running: string[][]
  begun: number
  most: number
}

const opening =
  ({ at, n }: { at: number; n: number }) =>
  async (world: World, streams: Streams): Promise<void> => {
    for (let i = 0; i < n; i++) {
      const id = `s${++streams.begun}`
      const count = await admitted(world, streamOf(streams.limit, id), [at])
      streams.running[at]?.push(...[id].slice(1 - count))
    }
    streams.most = Math.max(streams.most, streams.running.flat().length)
  }

const ending =
  ({ at, n }: { at: number; n: number }) =>
  async (world: World, streams: Streams): Promise<void> => {
    for (const job of streams.running[at]?.splice(0, n) ?? []) world.end(at, job)
  }

/** Its streams end with it; the others learn of it when its lease ends. */
async function dyingWith(world: World, streams: Streams, at: number): Promise<void> {
  streams.running[at] = []
  world.start(at)
}
