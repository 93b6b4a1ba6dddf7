import { Failure } from '../../proto/failure.ts'
import type { Vault } from '../ports.ts'

const PLAIN = 'plain:'
const SEALED = 'aes-gcm:'
const IV_BYTES = 12

/**
 * For the secrets of issuers, which have to be known to check a signature: a hash will not do. AES-256-GCM under a key made of the operator's
 * secret. Without one they are stored as they are, and say so.
 */
export function vaultOf(operatorSecret: string | undefined): Vault {
  const key = operatorSecret === undefined ? undefined : keyOf(operatorSecret)
  return {
    seal: async (secret) => {
      if (!key) return PLAIN + secret
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const text = new TextEncoder().encode(secret)
      const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await key(), text)
      return SEALED + base64(iv) + base64(new Uint8Array(bytes))
    },
    open: async (sealed) => {
      if (sealed.startsWith(PLAIN)) return sealed.slice(PLAIN.length)
      if (!key) throw unreadable(new Error('JUNE_SECRET is not set'))
      const bytes = bytesOf(sealed.slice(SEALED.length))
      const iv = bytes.subarray(0, IV_BYTES)
      try {
        const text = await crypto.subtle.decrypt(
          { name: 'AES-GCM', iv },
          await key(),
          bytes.subarray(IV_BYTES),
        )
        return new TextDecoder().decode(text)
      } catch (cause) {
        throw unreadable(cause)
      }
    },
  }
}

const unreadable = (cause: unknown): Failure =>
  new Failure('internal', 'The tokens of this issuer cannot be checked here.', { cause })

/** Made anew each time: a promise must not be shared among the requests of a Worker, and tokens are few beside jobs. */
const keyOf = (operatorSecret: string) => async (): Promise<CryptoKey> => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(operatorSecret))
  return crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
