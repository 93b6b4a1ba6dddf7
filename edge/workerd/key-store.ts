import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { z } from 'zod'
import type { Db } from '../../db/client.ts'
import { findKeyByHash } from '../../db/queries/find-key.ts'
import { createKey, listKeys, revokeKey } from '../../db/queries/keys.ts'
import * as schema from '../../db/schema/index.ts'
import type { CreatedKey, KeyList, KeyView, NewKey } from '../../proto/admin.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { KeyStore } from '../auth/cached-keys.ts'
import { openedKey } from '../auth/key-of.ts'
import { keyView } from '../auth/key-view.ts'
import type { Key, Keyring } from '../ports.ts'
import { within } from '../within.ts'

/** Far more than any query of ours takes: its server is frozen, or the way to it is cut. */
const QUERY_MS = 5_000
const PROBE_MS = 1_000

export interface KeyStoreOptions {
  url: string
  /** Tells every gateway, this one first, to forget what it remembers of keys. */
  changed: () => Promise<void>
  waitUntil: (rest: Promise<unknown>) => void
}

/** Keys in Postgres. A connection belongs to the request that opened it, so each question opens one. */
export class ConnectingKeys implements KeyStore, Keyring {
  readonly #options: KeyStoreOptions

  constructor(options: KeyStoreOptions) {
    this.#options = options
  }

  async byHash(hash: string): Promise<Key | undefined> {
    const row = await this.#with((db) => findKeyByHash(db, hash))
    return row && openedKey(row)
  }

  async create(wanted: NewKey): Promise<CreatedKey> {
    const { key, apiKey } = await this.#with((db) => createKey(db, wanted))
    await this.#options.changed()
    return { ...keyView(key), secret: apiKey }
  }

  async list(): Promise<z.infer<typeof KeyList>> {
    const rows = await this.#with((db) => listKeys(db))
    return { data: rows.map(keyView) }
  }

  async revoke(id: KeyId): Promise<KeyView | undefined> {
    const row = await this.#with((db) => revokeKey(db, id))
    if (!row) return undefined
    await this.#options.changed()
    return keyView(row)
  }

  /** Whether the database answers now. */
  async answers(): Promise<boolean> {
    return this.#with(async (db) => db.execute(sql`select 1`), PROBE_MS).then(
      () => true,
      () => false,
    )
  }

  async #with<T>(run: (db: Db) => Promise<T>, patienceMs = QUERY_MS): Promise<T> {
    const client = postgres(this.#options.url, {
      max: 1,
      fetch_types: false,
      connect_timeout: 5,
      connection: { statement_timeout: patienceMs },
    })
    const db = drizzle({ client, schema, casing: 'snake_case' })
    try {
      return await within(patienceMs, run(db))
    } finally {
      // The answer is there, or never comes: nobody waits for the goodbye.
      this.#options.waitUntil(client.end({ timeout: 1 }))
    }
  }
}
