import { constants, cpSync, existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { z } from 'zod'

/** The database in `dataDir`. A new one is a copy of a template in the cache: `initdb` takes seconds. */
export async function openCluster(dataDir: string, cacheDir: string): Promise<PGlite> {
  if (!isCluster(dataDir)) await make(dataDir, await template(cacheDir))
  return open(dataDir)
}

const open = (dir: string): Promise<PGlite> => PGlite.create(dir, { extensions: { vector } })

const isCluster = (dir: string): boolean => existsSync(join(dir, 'PG_VERSION'))

/** Made beside its place and then moved, so that whoever is killed meanwhile leaves no half of a database. */
async function make(dataDir: string, from: string | undefined): Promise<void> {
  const made = `${dataDir}.${process.pid}.new`
  await mkdir(dirname(dataDir), { recursive: true })
  if (from) cpSync(from, made, { recursive: true, mode: constants.COPYFILE_FICLONE })
  else await (await open(made)).close()
  // The files in it are everybody's to write, for all PGlite cares.
  await chmod(made, 0o700)
  // An empty folder may stand there already: `rename` refuses any other.
  await rename(made, dataDir)
}

/** What `initdb` makes, computed once a version and a machine; nothing where the cache cannot be written. */
async function template(cacheDir: string): Promise<string | undefined> {
  const place = join(cacheDir, `pglite-${version()}`)
  if (isCluster(place)) return place
  try {
    await make(place, undefined)
  } catch {
    // Somebody else was faster, or the cache is full or read-only: that costs seconds, and nothing else.
    await rm(`${place}.${process.pid}.new`, { recursive: true, force: true }).catch(() => {})
  }
  return isCluster(place) ? place : undefined
}

function version(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const manifest: unknown = JSON.parse(
    readFileSync(join(dirname(entry), '../package.json'), 'utf8'),
  )
  return z.object({ version: z.string() }).parse(manifest).version
}
