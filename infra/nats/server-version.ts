/** Older ones redeliver on `term(reason)`, or stall for half a minute after a restart. */
const OLDEST = [2, 10, 27] as const

export const INSTALL = `Install nats-server ${OLDEST.join('.')} or newer and put it on PATH, or set NATS_SERVER_BIN to it, or NATS_URL and NATS_POOL_URL to a running one.`

export function isNewEnough(version: readonly number[] | undefined): boolean {
  if (!version) return false
  for (const [i, oldest] of OLDEST.entries()) {
    const part = version[i] ?? 0
    if (part !== oldest) return part > oldest
  }
  return true
}
