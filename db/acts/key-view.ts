import type { KeyView } from '../../proto/admin.ts'
import type { Key } from '../queries/keys.ts'

/** A key as anyone who manages it may see it: the ends of its secrets, and times as text. */
export function keyView(key: Key): KeyView {
  const { organisation: _, former, ...row } = key
  return {
    ...row,
    former: former?.expiresAt
      ? { hint: former.hint, expiresAt: former.expiresAt.toISOString() }
      : null,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  }
}
