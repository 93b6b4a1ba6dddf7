import { hashOf, isApiKey, isClientToken } from '../../proto/api-key.ts'
import type { Key, Keys } from '../ports.ts'
import { Remembered, type RememberedOptions } from './remembered.ts'

export interface KeyStore {
  byHash(hash: string): Promise<Key | undefined>
  /** The key behind a client token, held to what the token is. */
  byToken(hash: string): Promise<Key | undefined>
}

/** Keys in memory, so that a request with a known key touches no database. */
export class CachedKeys implements Keys {
  readonly #keys: Remembered<Key>
  /** Apart, so that an app that makes many pushes out no key. */
  readonly #tokens: Remembered<Key>

  constructor(store: KeyStore, options: RememberedOptions) {
    this.#keys = new Remembered(async (secret) => store.byHash(await hashOf(secret)), options)
    this.#tokens = new Remembered(async (token) => store.byToken(await hashOf(token)), options)
  }

  async find(secret: string): Promise<Key | undefined> {
    if (isApiKey(secret)) return this.#keys.find(secret)
    return isClientToken(secret) ? this.#tokens.find(secret) : undefined
  }

  /** A key changed somewhere: the next request of every key looks again. */
  forget(): void {
    this.#keys.forget()
    this.#tokens.forget()
  }
}
