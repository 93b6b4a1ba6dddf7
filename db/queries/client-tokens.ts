import { and, eq, lt, sql } from 'drizzle-orm'
import type { NewClientToken } from '../../proto/client-token.ts'
import { hashOf, newClientToken } from '../../proto/api-key.ts'
import type { KeyId } from '../../proto/ids.ts'
import type { Sql } from '../client.ts'
import { clientTokens } from '../schema/client-tokens.ts'

/** Makes a token of a key, and forgets those of it that are over. */
export async function createClientToken(
  db: Sql,
  { key, expiresAt }: { key: KeyId; expiresAt: Date },
  { routes, models, cidrs, user }: NewClientToken,
): Promise<string> {
  const token = newClientToken()
  const row = { hash: await hashOf(token), key, routes, models, cidrs, user, expiresAt }
  await db
    .delete(clientTokens)
    .where(and(eq(clientTokens.key, key), lt(clientTokens.expiresAt, sql`now()`)))
  await db.insert(clientTokens).values(row)
  return token
}
