import { existsSync } from 'node:fs'

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))

/**
 * A command whose process the kernel kills when the one that started it dies, even by `kill -9`, and even if it is stopped
 * then. `setpriv` becomes the command, so the pid is the command's own.
 */
export function leashed(command: string, args: readonly string[]): [string, string[]] {
  return SETPRIV ? [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]] : [command, [...args]]
}
