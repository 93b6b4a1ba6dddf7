import { tenancyOver } from '../../db/acts/tenancy.ts'
import type { Ask } from '../../db/money.ts'
import { createClientToken } from '../../db/queries/client-tokens.ts'
import { findIssuers, findKeyByHash, findKeyByToken } from '../../db/queries/find-key.ts'
import type { KeyStore } from '../auth/cached-keys.ts'
import type { IssuerStore } from '../auth/end-users.ts'
import { issuersOf } from '../auth/issuer-of.ts'
import { openedKey } from '../auth/key-of.ts'
import { narrowed } from '../auth/narrowed.ts'
import type { ClientTokens, Tenancy } from '../ports.ts'

/** Keys and all they belong to, in Postgres. `changed` tells every gateway, this one first, to forget what it remembers. */
export const storedKeys = (
  ask: Ask,
  changed: () => Promise<void>,
): KeyStore & IssuerStore & { tenancy: Tenancy; clientTokens: ClientTokens } => ({
  byHash: async (hash) => {
    const row = await ask((db) => findKeyByHash(db, hash))
    return row && openedKey(row)
  },
  byToken: async (hash) => {
    const row = await ask((db) => findKeyByToken(db, hash))
    return row && narrowed(openedKey(row), row.token)
  },
  byIssuer: async (issuer, audience) =>
    issuersOf(await ask((db) => findIssuers(db, issuer, audience))),
  clientTokens: {
    create: (key, wanted, expiresAt) =>
      ask((db) => createClientToken(db, { key, expiresAt }, wanted)),
  },
  tenancy: tenancyOver({ ask, changed }),
})
