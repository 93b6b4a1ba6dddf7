import { sql } from 'drizzle-orm'
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
import { within } from '../within.ts'

const PROBE_MS = 1_000

interface StoredKeys extends KeyStore, IssuerStore {
  tenancy: Tenancy
  clientTokens: ClientTokens
  /** Whether the database answers now. */
  answers(): Promise<boolean>
}

/** Keys and all they belong to, in Postgres. `changed` tells every gateway, this one first, to forget what it remembers. */
export const storedKeys = (ask: Ask, changed: () => Promise<void>): StoredKeys => ({
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
  answers: () =>
    within(
      PROBE_MS,
      ask((db) => db.execute(sql`select 1`)),
    ).then(
      () => true,
      () => false,
    ),
})
