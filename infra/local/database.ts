import { migrateDb } from '../../db/migrate.ts'
import { Trouble } from '../trouble.ts'
import { registerKeys, type ApiKeys } from './api-keys.ts'
import type { ChildSpec } from './child.ts'
import type { Ports } from './ports.ts'
import type { Settings } from './settings.ts'
import { databaseSpec } from './specs.ts'

export interface Database {
  url: string
  /** Our own server, unless somebody else's is used. */
  child: ChildSpec | undefined
}

export async function planDatabase(settings: Settings, ports: Ports): Promise<Database> {
  const { DATABASE_URL, POSTGRES_PORT } = settings
  if (DATABASE_URL) return { url: DATABASE_URL, child: undefined }
  const port = await ports.take(POSTGRES_PORT, 'Postgres')
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  return { url, child: databaseSpec(settings, port) }
}

/** Its tables as this version wants them, and the local keys in it. */
export async function prepareDatabase(
  { dataDir, DATABASE_URL }: Settings,
  url: string,
  keys: ApiKeys,
): Promise<ApiKeys> {
  try {
    await migrateDb(url)
  } catch (cause) {
    const { host } = new URL(url)
    const remedy = DATABASE_URL
      ? 'Check DATABASE_URL, and that its user may create tables and extensions.'
      : `Its log is in ${dataDir}/logs/database.log.`
    throw new Trouble(
      `The database at ${host} cannot be brought up to date: ${why(cause)}`,
      remedy,
      {
        cause,
      },
    )
  }
  return registerKeys(dataDir, url, keys)
}

/** Drizzle wraps what the server said in the text of the query. */
function why(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message
}
