import { z } from 'zod'
import { migrateDb } from '../../db/migrate.ts'
import { localApiKeys } from '../local/api-keys.ts'

/** Brings the database to the shape of this version, and makes the first keys: `<secrets>/keys.json` holds them. */
const env = z
  .object({ SECRETS_DIR: z.string().default('/secrets'), DATABASE_URL: z.url() })
  // oxlint-disable-next-line node/no-process-env -- this file is a main: a container runs it
  .parse(process.env)

await migrateDb(env.DATABASE_URL)
await localApiKeys(env.SECRETS_DIR, env.DATABASE_URL)
process.stdout.write('the database is up to date, and the first keys are in keys.json\n')
