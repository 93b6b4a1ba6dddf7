import { describe, expect, test } from 'vitest'
import { admitted, asking, bucketOf, streamOf, World } from './world-fixture.ts'

const round = (n: number, places: number): number[] =>
  Array.from({ length: n }, (_, i) => i % places)

describe('gateways that share a limit', () => {
  test('let through as many as one alone would', async () => {
    const world = new World(3)
    const ask = asking(bucketOf(60))
    expect(await admitted(world, ask, round(200, 3))).toBe(60)
    await world.pass(10_000)
    expect(await admitted(world, ask, round(200, 3))).toBe(10)
  })

  test('leave the whole limit to one of them that is asked alone', async () => {
    const world = new World(3)
    const ask = asking(bucketOf(60))
    for (let i = 0; i < 60; i++) expect((await world.at(0).take(ask)).refusal).toBeUndefined()
    const { refusal } = await world.at(0).take(ask)
    expect(refusal?.retryMs).toBeGreaterThan(900)
    expect(refusal?.retryMs).toBeLessThanOrEqual(1_000)
  })

  test('ask the store ahead of need, and not for every request', async () => {
    const world = new World(1)
    const ask = asking(bucketOf(6_000))
    const waited: boolean[] = []
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 100; i++) {
        const taken = world.at(0).take(ask)
        waited.push(taken instanceof Promise)
        world.nowMs += 10
        expect(await taken).not.toHaveProperty('refusal')
      }
      await world.beat()
    }
    expect(waited.slice(20)).not.toContain(true)
    expect(world.store.statements).toBeLessThan(100)
  })

  test('give back what they do not use', async () => {
    const world = new World(2)
    const ask = asking(bucketOf(100))
    expect(await admitted(world, ask, [0, 0, 0])).toBe(3)
    await world.pass(4_000)
    expect(
      await admitted(
        world,
        ask,
        round(200, 1).map(() => 1),
      ),
    ).toBe(100)
  })

  test('spend nothing of a lease that ended, and nothing of what they are giving back', async () => {
    const world = new World(2, [50])
    const ask = asking(bucketOf(100))
    expect(await admitted(world, ask, [0, 0, 0])).toBe(3)
    expect(world.at(0).take(ask)).not.toBeInstanceOf(Promise)
    world.nowMs += 4_600
    const asked = world.at(0).take(ask)
    expect(asked).toBeInstanceOf(Promise)
    await asked
    await world.pass(1_000)
    const givingBack = world.at(0).beat()
    for (let turns = 0; turns < 20; turns++) await Promise.resolve()
    const meanwhile = world.at(0).take(ask)
    expect(meanwhile).toBeInstanceOf(Promise)
    await Promise.all([givingBack, meanwhile])
  })

  test('have back what a dead one held when its lease ends, and no sooner', async () => {
    const world = new World(2)
    const stream = streamOf(1, 'job_1')
    expect((await world.at(0).take(stream)).refusal).toBeUndefined()
    await world.pass(20_000)
    expect((await world.at(1).take(stream)).refusal).toBeDefined()
    world.start(0)
    await world.pass(1_000)
    expect((await world.at(1).take(stream)).refusal).toBeDefined()
    await world.pass(4_000)
    expect((await world.at(1).take(stream)).refusal).toBeUndefined()
  })

  test('let in the next stream when one ends', async () => {
    const world = new World(2)
    await world.at(0).take(streamOf(2, 'a'))
    await world.at(1).take(streamOf(2, 'b'))
    expect((await world.at(1).take(streamOf(2, 'c'))).refusal).toBeDefined()
    world.end(0, 'a')
    expect((await world.at(0).take(streamOf(2, 'd'))).refusal).toBeUndefined()
    world.end(0, 'd')
    await world.pass(1_000)
    expect((await world.at(1).take(streamOf(2, 'e'))).refusal).toBeUndefined()
  })

  test('take from all buckets or from none', async () => {
    const world = new World(2)
    const [wide, narrow] = [bucketOf(100), bucketOf(2, { id: 'requests:proj_1', scope: 'project' })]
    expect(await admitted(world, asking(wide, narrow), round(50, 2))).toBe(2)
    await world.pass(3_000)
    expect(await admitted(world, asking(wide), round(300, 2))).toBe(100)
  })

  test('go on with a part of the limit while the store is away, and own up to it afterwards', async () => {
    const world = new World(2)
    const ask = asking(bucketOf(60))
    expect(await admitted(world, ask, [0, 1])).toBe(2)
    world.store.away = true
    const meanwhile = await admitted(world, ask, round(200, 2))
    expect(meanwhile).toBeGreaterThan(30)
    expect(meanwhile).toBeLessThanOrEqual(60)
    await world.pass(30_000)
    expect(await admitted(world, ask, round(200, 2))).toBeGreaterThanOrEqual(28)
    world.store.away = false
    await world.beat()
    // What the first of them had in hand before it heard of what the other used.
    expect(await admitted(world, ask, round(200, 2))).toBeLessThanOrEqual(7)
    await world.pass(100_000)
    expect(await admitted(world, ask, round(200, 2))).toBe(60)
  })

  test('count a write once whose answer was lost', async () => {
    const world = new World(1)
    const ask = asking(bucketOf(60))
    expect(await admitted(world, ask, round(30, 1))).toBe(30)
    world.store.deaf = true
    await world.beat()
    world.store.deaf = false
    await world.beat()
    expect(await admitted(world, ask, round(200, 1))).toBe(30)
  })
})
