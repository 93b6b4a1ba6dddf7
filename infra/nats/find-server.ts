import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir } from '../cache-dir.ts'
import { Trouble } from '../trouble.ts'
import { fetchServer } from './fetch-server.ts'
import { INSTALL, isNewEnough } from './server-version.ts'

const run = promisify(execFile)

export interface FindOptions {
  env: Record<string, string | undefined>
  progress?: (text: string) => void
}

/** The path of a nats-server new enough: the one named, the one installed, the one cached, or one fetched now. */
export async function findServer({ env, progress = () => {} }: FindOptions): Promise<string> {
  const named = env['NATS_SERVER_BIN']
  if (named) return checked(named)
  const installed = await onPath(env['PATH'] ?? '')
  if (installed && isNewEnough(await versionOf(installed))) return installed
  const cached = join(cacheDir(env), 'nats-server')
  if (isNewEnough(await versionOf(cached))) return cached
  progress('no nats-server here yet: fetching the package of the distribution')
  await fetchInto(cacheDir(env))
  return cached
}

async function checked(path: string): Promise<string> {
  const version = await versionOf(path)
  if (isNewEnough(version)) return path
  const found = version ? `it is ${version.join('.')}` : 'it does not run'
  throw new Trouble(`NATS_SERVER_BIN is ${path}, but ${found}.`, `Unset it, or: ${INSTALL}`)
}

async function onPath(path: string): Promise<string | undefined> {
  for (const dir of path.split(delimiter).filter(isAbsolute)) {
    const file = join(dir, 'nats-server')
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return file
  }
  return undefined
}

async function versionOf(path: string): Promise<number[] | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 })
    return /v(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number)
  } catch {
    return undefined
  }
}

/** Two launchers may do this at once: each fetches into a folder of its own, and the rename is one step. */
async function fetchInto(cache: string): Promise<void> {
  const made = await mkdir(cache, { recursive: true }).then(
    () => mkdtemp(join(cache, 'fetch-')),
    (cause: unknown) => {
      const remedy = 'Make it writable, or set XDG_CACHE_HOME to a folder that is.'
      throw new Trouble(`The cache ${cache} cannot be written.`, remedy, { cause })
    },
  )
  try {
    const server = await fetchServer(made)
    if (!isNewEnough(await versionOf(server))) {
      throw new Trouble('The nats-server that was fetched is too old or does not run.', INSTALL)
    }
    await rename(server, join(cache, 'nats-server'))
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}
