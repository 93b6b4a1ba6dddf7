import { KeyView } from '../../proto/admin.ts'

type Row = Omit<KeyView, 'createdAt' | 'expiresAt' | 'revokedAt' | 'former'> & {
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  former: { hint: string; expiresAt: Date | null } | null
}

/** A key's row as anyone may see it: without its hash, and with times as text. */
export const keyView = (row: Row): KeyView =>
  KeyView.parse({
    ...row,
    former: row.former && {
      hint: row.former.hint,
      expiresAt: row.former.expiresAt?.toISOString(),
    },
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  })
