import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import * as schema from './schema/index.ts'

/** Connects at the first query, and again whenever the server comes back. `$client.end()` lets go of it. */
export function openDb(url: string, { connections = 4 } = {}) {
  const client = postgres(url, { max: connections, connect_timeout: 10, onnotice: () => {} })
  return drizzle({ client, schema, casing: 'snake_case' })
}

export type Db = ReturnType<typeof openDb>
