import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startDatabase, type DatabaseFixture } from '../testing/start-database.ts'

let database: DatabaseFixture

beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

test('queries of many connections at once get their own answers, whatever types they speak', async () => {
  const clients = Array.from({ length: 8 }, () =>
    postgres(database.url, { max: 1, prepare: false }),
  )
  try {
    const answers = clients.flatMap((sql, client) =>
      Array.from({ length: 25 }, async (_, i) => {
        const mine = `${client}-${i}`
        const [text] = await sql`select ${mine}::text as value`
        const [number] = await sql`select ${client * 100 + i}::int as value`
        return [text?.['value'] === mine, number?.['value'] === client * 100 + i]
      }),
    )
    expect((await Promise.all(answers)).flat()).not.toContain(false)
  } finally {
    await Promise.all(clients.map((sql) => sql.end()))
  }
})
