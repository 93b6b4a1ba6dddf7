import { Failure } from '../../proto/failure.ts'
import { RouteFamily } from '../../proto/scopes.ts'
import type { Key } from '../ports.ts'

/** Who may ask for an answer may read it again. */
const ANSWERING: readonly RouteFamily[] = ['chat', 'completions', 'responses', 'messages']

/** What belongs to the whole project. A token is shown by browsers and users: it opens these only where they are named. */
const OF_THE_PROJECT = new Set<string>(['files', 'batches', 'usage', 'client_tokens'])

/** Refuses a key that is held to other routes. A route that belongs to no family is open to keys that are held to none. */
export function requireRoute(
  { routes, minted }: Pick<Key, 'routes' | 'minted'>,
  path: string,
): void {
  const first = path.split('/', 3)[2] ?? ''
  if (routes === null) {
    if (minted && OF_THE_PROJECT.has(first)) throw missingScopes(first)
    return
  }
  const family = RouteFamily.safeParse(first)
  const opening = family.success ? [family.data] : first === 'streams' ? ANSWERING : []
  if (opening.some((one) => routes.includes(one))) return
  throw missingScopes(first)
}

/** OpenAI's own words: clients match them. */
export const missingScopes = (scopes: string): Failure =>
  new Failure(
    'forbidden',
    `You have insufficient permissions for this operation. Missing scopes: ${scopes.slice(0, 50)}.`,
  )
