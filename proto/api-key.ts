/** 256 random bits behind a prefix that scanners of leaked secrets can find. */
export const newApiKey = (): string => `sk-june-${random()}`

/** The same for a token that lives for minutes. */
export const newClientToken = (): string => `ct-june-${random()}`

function random(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
}

/** Whether it could be one of ours. What could not is nobody's key, and no database needs to say so. */
export const isApiKey = (text: string): boolean => /^sk-june-[A-Za-z0-9_-]{43}$/.test(text)

export const isClientToken = (text: string): boolean => /^ct-june-[A-Za-z0-9_-]{43}$/.test(text)

/** What the database knows of a key. */
export async function hashOf(apiKey: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(apiKey))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
