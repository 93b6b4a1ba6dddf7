import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Trouble } from '../trouble.ts'

const MiB = 1024 * 1024
const ROOM_BYTES = 64 * MiB

/** Makes the folders that everything else lives in, and finds out now whether they can be written. */
export async function openDataDir(dataDir: string): Promise<void> {
  const remedy = 'Make it writable for this user, or set JUNE_DATA_DIR to a folder that is.'
  try {
    for (const part of ['run', 'logs', 'nats']) {
      await make(join(dataDir, part))
      const probe = join(dataDir, part, `.probe-${process.pid}`)
      await writeFile(probe, 'x'.repeat(4_096))
      await rm(probe)
    }
    const { bavail, bsize } = await statfs(dataDir)
    if (bavail * bsize < ROOM_BYTES) throw full(dataDir, Math.floor((bavail * bsize) / MiB))
  } catch (cause) {
    if (cause instanceof Trouble) throw cause
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw full(dataDir, 0)
    throw new Trouble(`The data folder ${dataDir} cannot be written (${code}).`, remedy, { cause })
  }
}

/** Not `recursive`: under `/proc`, and wherever else a parent cannot be made, that never ends (Node 24). */
async function make(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(dir) === dir) throw thrown
    await make(dirname(dir))
    await mkdir(dir, { mode: 0o700 })
  }
}

const full = (dataDir: string, leftMiB: number): Trouble =>
  new Trouble(
    `The disk of ${dataDir} is full: ${leftMiB} MiB are left.`,
    'Make room, or set JUNE_DATA_DIR to a folder on another disk.',
  )
