import { KeyView } from '../../proto/admin.ts'

type Row = Omit<KeyView, 'createdAt' | 'revokedAt'> & { createdAt: Date; revokedAt: Date | null }

/** A key's row as anyone may see it: without its hash, and with times as text. */
export const keyView = (row: Row): KeyView =>
  KeyView.parse({
    ...row,
    createdAt: row.createdAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
  })
