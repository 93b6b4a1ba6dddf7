import type { z } from 'zod'
import { findKeyByHash } from '../../db/queries/find-key.ts'
import { createKey, listKeys, revokeKey } from '../../db/queries/keys.ts'
import type { CreatedKey, KeyList, KeyView, NewKey } from '../../proto/admin.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { KeyStore } from '../auth/cached-keys.ts'
import { openedKey } from '../auth/key-of.ts'
import { keyView } from '../auth/key-view.ts'
import type { Key, Keyring } from '../ports.ts'
import type { Database } from './database.ts'

/** Keys in Postgres. `changed` tells every gateway, this one first, to forget what it remembers. */
export class PostgresKeys implements KeyStore, Keyring {
  readonly #database: Database
  readonly #changed: () => Promise<void>

  constructor(database: Database, changed: () => Promise<void>) {
    this.#database = database
    this.#changed = changed
  }

  async byHash(hash: string): Promise<Key | undefined> {
    const row = await this.#database.ask((db) => findKeyByHash(db, hash))
    return row && openedKey(row)
  }

  async create(wanted: NewKey): Promise<CreatedKey> {
    const { key, apiKey } = await this.#database.ask((db) => createKey(db, wanted))
    await this.#changed()
    return { ...keyView(key), secret: apiKey }
  }

  async list(): Promise<z.infer<typeof KeyList>> {
    const rows = await this.#database.ask((db) => listKeys(db))
    return { data: rows.map(keyView) }
  }

  async revoke(id: KeyId): Promise<KeyView | undefined> {
    const row = await this.#database.ask((db) => revokeKey(db, id))
    if (!row) return undefined
    await this.#changed()
    return keyView(row)
  }
}
