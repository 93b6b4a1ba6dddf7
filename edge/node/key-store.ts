import type { z } from 'zod'
import type { Db } from '../../db/client.ts'
import {
  createKey,
  findKeyByHash,
  listKeys,
  revokeKey,
  type Key as Row,
} from '../../db/queries/keys.ts'
import type { CreatedKey, KeyList, KeyView, NewKey } from '../../proto/admin.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { KeyStore } from '../auth/cached-keys.ts'
import type { Key, Keyring } from '../ports.ts'

/** Keys in Postgres. `changed` tells every gateway, this one too, to forget what it remembers. */
export class PostgresKeys implements KeyStore, Keyring {
  readonly #db: Db
  readonly #changed: () => Promise<void>

  constructor(db: Db, changed: () => Promise<void>) {
    this.#db = db
    this.#changed = changed
  }

  byHash(hash: string): Promise<Key | undefined> {
    return findKeyByHash(this.#db, hash)
  }

  async create(wanted: NewKey): Promise<CreatedKey> {
    const { key, apiKey } = await createKey(this.#db, wanted)
    await this.#changed()
    return { ...viewOf(key), secret: apiKey }
  }

  async list(): Promise<z.infer<typeof KeyList>> {
    const rows = await listKeys(this.#db)
    return { data: rows.map(viewOf) }
  }

  async revoke(id: KeyId): Promise<KeyView | undefined> {
    const row = await revokeKey(this.#db, id)
    if (!row) return undefined
    await this.#changed()
    return viewOf(row)
  }
}

const viewOf = ({
  id,
  name,
  hint,
  scope,
  requestsPerMinute,
  createdAt,
  revokedAt,
}: Row): KeyView => ({
  id,
  name,
  hint,
  scope,
  requestsPerMinute,
  createdAt: createdAt.toISOString(),
  revokedAt: revokedAt?.toISOString() ?? null,
})
