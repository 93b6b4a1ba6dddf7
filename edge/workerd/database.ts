import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { Db } from '../../db/client.ts'
import * as schema from '../../db/schema/index.ts'
import { within } from '../within.ts'

/** Far more than any query of ours takes: its server is frozen, or the way to it is cut. */
const QUERY_MS = 5_000

interface ConnectingOptions {
  url: string
  waitUntil: (rest: Promise<unknown>) => void
}

/** The database, as a Worker or an object of it asks: a connection belongs to who opened it, so each question opens one. */
export const askDatabase =
  ({ url, waitUntil }: ConnectingOptions) =>
  async <T>(query: (db: Db) => Promise<T>): Promise<T> => {
    const client = postgres(url, {
      max: 1,
      fetch_types: false,
      connect_timeout: 5,
      connection: { statement_timeout: QUERY_MS },
    })
    try {
      return await within(QUERY_MS, query(drizzle({ client, schema, casing: 'snake_case' })))
    } finally {
      // The answer is there, or never comes: nobody waits for the goodbye.
      waitUntil(client.end({ timeout: 1 }))
    }
  }
