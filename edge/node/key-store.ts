import { tenancyOver } from '../../db/acts/tenancy.ts'
import type { Ask } from '../../db/money.ts'
import { findKeyByHash } from '../../db/queries/find-key.ts'
import type { KeyStore } from '../auth/cached-keys.ts'
import { openedKey } from '../auth/key-of.ts'
import type { Tenancy } from '../ports.ts'

/** Keys and all they belong to, in Postgres. `changed` tells every gateway, this one first, to forget what it remembers. */
export const storedKeys = (
  ask: Ask,
  changed: () => Promise<void>,
): KeyStore & { tenancy: Tenancy } => ({
  byHash: async (hash) => {
    const row = await ask((db) => findKeyByHash(db, hash))
    return row && openedKey(row)
  },
  tenancy: tenancyOver({ ask, changed }),
})
