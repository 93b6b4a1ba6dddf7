import type { PgDatabase } from 'drizzle-orm/pg-core'
import { drizzle, type PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import * as schema from './schema/index.ts'

export interface DbOptions {
  connections?: number
  /** The server ends what takes longer. 0 is as long as it takes; the embedded one does not know of it. */
  statementMs?: number
}

/** Connects at the first query, and again whenever the server comes back. `$client.end()` lets go of it. */
export function openDb(url: string, { connections = 4, statementMs = 0 }: DbOptions = {}) {
  const client = postgres(url, {
    max: connections,
    connect_timeout: 10,
    onnotice: () => {},
    connection: { statement_timeout: statementMs },
  })
  return drizzle({ client, schema, casing: 'snake_case' })
}

export type Db = ReturnType<typeof openDb>

/** Where a query runs: on a connection of its own, or within a transaction. */
export type Sql = PgDatabase<PostgresJsQueryResultHKT, typeof schema>
