import { inboxOf } from './server-config.ts'

export interface ConnectionOptions {
  servers: string
  user?: string
  pass?: string
  inboxPrefix?: string
}

/** The client takes no credentials from a URL; and replies must come under the one prefix that the user may hear. */
export function connectionOptions(url: string): ConnectionOptions {
  const { protocol, host, username, password } = new URL(url)
  const servers = `${protocol}//${host}`
  if (!username) return { servers }
  const user = decodeURIComponent(username)
  return { servers, user, pass: decodeURIComponent(password), inboxPrefix: inboxOf(user) }
}
