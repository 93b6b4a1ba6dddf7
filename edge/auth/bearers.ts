import type { Keys } from '../ports.ts'
import type { CachedKeys } from './cached-keys.ts'
import { isJwt, type EndUsers } from './end-users.ts'

/** Whatever may stand in an `Authorization` header: a key, a client token, or what an app's issuer signed. */
export const bearers = (keys: CachedKeys, users: EndUsers): Keys & { forget: () => void } => ({
  find: (secret) => (isJwt(secret) ? users.find(secret) : keys.find(secret)),
  forget: () => {
    keys.forget()
    users.forget()
  },
})
