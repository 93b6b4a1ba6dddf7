import { inboxOf } from './server-config.ts'

export interface ConnectionOptions {
  servers: string
  user?: string
  pass?: string
  inboxPrefix?: string
  tls?: object
}

/** The client takes no credentials from a URL; and replies must come under the one prefix that the user may hear. */
export function connectionOptions(url: string): ConnectionOptions {
  const { protocol, host, username, password } = new URL(url)
  // Without it the client goes on in the clear where the server has no TLS: the scheme alone enforces nothing.
  const base = { servers: `${protocol}//${host}`, ...(protocol === 'tls:' && { tls: {} }) }
  if (!username) return base
  const user = decodeURIComponent(username)
  return { ...base, user, pass: decodeURIComponent(password), inboxPrefix: inboxOf(user) }
}
