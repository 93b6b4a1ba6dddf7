import { join } from 'node:path'
import { z } from 'zod'
import { newSecret } from '../../proto/ids.ts'
import { readSaved, save } from './saved.ts'

const Credentials = z.object({
  operator: z.string().min(16),
  gateways: z.record(z.string(), z.string().min(16)),
  workers: z.record(z.string(), z.string().min(16)),
})
/** Passwords of the users of our own NATS server, by name. */
export type Credentials = z.infer<typeof Credentials>

/** Made once and kept, so that whoever holds one still gets in after a restart. */
export async function natsCredentials(
  dataDir: string,
  names: { gateways: readonly string[]; workers: readonly string[] },
): Promise<Credentials> {
  const file = join(dataDir, 'nats', 'credentials.json')
  const remedy = 'Delete it: new credentials are made at the next start.'
  const saved = await readSaved(file, Credentials, remedy)
  const credentials: Credentials = {
    operator: saved?.operator ?? newSecret(),
    gateways: { ...fresh(names.gateways), ...saved?.gateways },
    workers: { ...fresh(names.workers), ...saved?.workers },
  }
  await save(file, credentials)
  return credentials
}

const fresh = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, newSecret()]))
