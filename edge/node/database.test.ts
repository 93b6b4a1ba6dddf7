import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sql } from 'drizzle-orm'
import { Database } from './database.ts'

/** Takes connections and says nothing: to a client, a frozen Postgres looks like this. */
async function frozen() {
  const sockets = new Set<Socket>()
  let taken = 0
  const server = createServer((socket) => {
    taken++
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.resume()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `postgres://june@127.0.0.1:${port}/june`, sockets, taken: () => taken }
}

describe('a database that is frozen', () => {
  test('fails every query in time, and its connections are let go', async () => {
    const { url, sockets, taken } = await frozen()
    await using database = new Database(url, 200)
    const startMs = performance.now()
    const asked = Array.from({ length: 20 }, () =>
      database.ask(async (db) => db.execute(sql`select ${1}::int`)),
    )
    const told = await Promise.allSettled(asked)
    expect(told.map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
    expect(performance.now() - startMs).toBeLessThan(1_000)
    await expect.poll(() => sockets.size).toBe(0)
    await expect(database.ask(async (db) => db.execute(sql`select 1`))).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(taken()).toBe(5)
  })

  test('is asked once, however many want to know whether it is there', async () => {
    const { url, taken } = await frozen()
    await using database = new Database(url, 5_000)
    const told = await Promise.all(Array.from({ length: 50 }, () => database.answers()))
    expect(told).toEqual(Array(50).fill(false))
    expect(await database.answers()).toBe(false)
    expect(taken()).toBe(1)
  })
})
