import { Failure } from '../../proto/failure.ts'
import { RouteFamily } from '../../proto/scopes.ts'
import type { Key } from '../ports.ts'

/** Who may ask for an answer may read it again. */
const ANSWERING: readonly RouteFamily[] = ['chat', 'completions', 'responses', 'messages']

/** Refuses a key that is held to other routes. A route that belongs to no family is open to keys that are held to none. */
export function requireRoute({ routes }: Pick<Key, 'routes'>, path: string): void {
  if (routes === null) return
  const first = path.split('/', 3)[2] ?? ''
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
