import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** One folder for all clones of a user, so that a second clone downloads and computes nothing again. */
export function cacheDir(env: Record<string, string | undefined>): string {
  const base = env['XDG_CACHE_HOME']
  const root = base && isAbsolute(base) ? base : join(homedir(), '.cache')
  return join(root, 'june', `${process.platform}-${process.arch}`)
}
