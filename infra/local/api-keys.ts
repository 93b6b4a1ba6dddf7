import { join } from 'node:path'
import { z } from 'zod'
import { openDb } from '../../db/client.ts'
import { ensureKey, type Wanted } from '../../db/queries/keys.ts'
import { isApiKey, newApiKey } from '../../proto/api-key.ts'
import { readSaved, save } from './saved.ts'

const ApiKey = z.string().refine(isApiKey)
const ApiKeys = z.object({ developer: ApiKey, admin: ApiKey })
export type ApiKeys = z.infer<typeof ApiKeys>

const KINDS: Record<keyof ApiKeys, Wanted> = {
  // The operator's own, on the operator's own machine: its limit is there to stop a loop that ran away.
  developer: { name: 'local developer', scope: 'developer', requestsPerMinute: 60_000 },
  admin: { name: 'local admin', scope: 'admin', reach: 'deployment', requestsPerMinute: 6_000 },
}

/** Keys that work at once: made at the first start, and kept. */
export async function savedApiKeys(dataDir: string): Promise<ApiKeys> {
  const remedy = 'Restore it, or delete it: new keys are made at the next start.'
  const saved = await readSaved(fileIn(dataDir), ApiKeys, remedy)
  if (saved) return saved
  const keys = { developer: newApiKey(), admin: newApiKey() }
  await save(fileIn(dataDir), keys)
  return keys
}

/** The database may be another one each time: it learns what it does not know. A key that was revoked is replaced. */
export async function registerKeys(dataDir: string, url: string, keys: ApiKeys): Promise<ApiKeys> {
  const db = openDb(url, { connections: 1 })
  const valid = { ...keys }
  try {
    for (const kind of ['developer', 'admin'] as const) {
      const { revokedAt } = await ensureKey(db, KINDS[kind], keys[kind])
      if (!revokedAt) continue
      valid[kind] = newApiKey()
      await ensureKey(db, KINDS[kind], valid[kind])
      await save(fileIn(dataDir), valid)
    }
  } finally {
    await db.$client.end()
  }
  return valid
}

/** Both: keys that are saved here, and that the database knows. */
export const localApiKeys = async (dataDir: string, url: string): Promise<ApiKeys> =>
  registerKeys(dataDir, url, await savedApiKeys(dataDir))

const fileIn = (dataDir: string): string => join(dataDir, 'keys.json')
