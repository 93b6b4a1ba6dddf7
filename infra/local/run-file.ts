import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from './write-whole.ts'

const pid = z.int().positive()

/** What runs, for whoever wants to speak to it: `june`, the tests, a script. It holds secrets. */
export const RunFile = z.strictObject({
  /** Of the launcher: where it is dead, the file is stale. */
  pid,
  gateway: z.url(),
  key: z.string(),
  adminKey: z.string(),
  /** The operator's URL. `pid` is null while it is down, and where it is not ours. */
  nats: z.strictObject({ url: z.url(), wsUrl: z.url().nullable(), pid: pid.nullable() }),
  database: z.strictObject({ url: z.url(), pid: pid.nullable() }),
  /** Those that are up now. */
  gateways: z.array(z.strictObject({ url: z.url(), pid })),
  workers: z.array(z.strictObject({ id: z.string(), pid })),
})
export type RunFile = z.infer<typeof RunFile>

export const runFileIn = (dataDir: string): string => join(dataDir, 'run', 'june.json')

export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  await writeWhole(runFileIn(dataDir), `${JSON.stringify(RunFile.parse(run), null, 2)}\n`)
}

export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(runFileIn(dataDir), { force: true })
}
