import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { CidrText } from '../../proto/cidr.ts'
import { ModelPattern, RouteFamily } from '../../proto/scopes.ts'

/** `all` is no bound. */
export type Bound<T> = T[] | 'all'

export const boundOf = <T>(bound: Bound<T>): T[] | null => (bound === 'all' ? null : bound)

/** `a,b`, each checked, or `all` for no bound: an option that parses to `null` would be an empty text to commander. */
const list =
  <T>(item: z.ZodType<T>) =>
  (text: string): Bound<T> => {
    if (text === 'all') return text
    const parsed = z.array(item).safeParse(text.split(',').map((one) => one.trim()))
    if (parsed.success) return parsed.data
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'It is not such a list.')
  }

export const routes = list(RouteFamily)
export const models = list(ModelPattern)
export const cidrs = list(CidrText)
