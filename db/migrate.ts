import { fileURLToPath } from 'node:url'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import { openDb } from './client.ts'

/** Brings a database to the shape of this version, from any shape an older one left. */
export async function migrateDb(url: string): Promise<void> {
  const db = openDb(url, { connections: 1 })
  try {
    await migrate(db, { migrationsFolder: fileURLToPath(new URL('migrations', import.meta.url)) })
  } finally {
    await db.$client.end()
  }
}
