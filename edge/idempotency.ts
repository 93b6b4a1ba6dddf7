import { Failure } from '../proto/failure.ts'
import type { OnceKey } from './ports.ts'

const HEADER = 'Idempotency-Key'
const MAX_LENGTH = 255

/**
 * What a request must not be done twice by: a key of the caller's choice, within one tenant and one route
 * (draft-ietf-httpapi-idempotency-key-header-07). Both values are SHA-256.
 */
export async function onceKeyOf(
  header: string | undefined,
  { tenant, route, body }: { tenant: string; route: string; body: unknown },
): Promise<OnceKey | undefined> {
  if (header === undefined) return undefined
  const key = header.trim()
  if (key.length === 0 || key.length > MAX_LENGTH || !/^[\x20-\x7e]+$/.test(key))
    throw new Failure(
      'invalid',
      `${HEADER} must be 1 to ${MAX_LENGTH} printable ASCII characters.`,
      {
        param: HEADER,
      },
    )
  const [hash, fingerprint] = await Promise.all([
    sha256(JSON.stringify([tenant, route, key])),
    sha256(canonical(body)),
  ])
  return { hash, fingerprint }
}

/** JSON whose objects have their keys in order: the same body written by another client is the same. */
export function canonical(value: unknown): string {
  try {
    return inOrder(value)
  } catch (cause) {
    throw new Failure('invalid', 'The body is nested too deeply.', { cause })
  }
}

function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
