import { isObject, type Path } from './rules.ts'

/** What a JSON pointer (RFC 6901) as the fragment of a URI points to, and the way there; nothing where it leads nowhere. */
export function targetOf(
  root: unknown,
  fragment: string,
): { schema: unknown; path: Path } | undefined {
  const path = fragment.slice(2).split('/').map(unescaped)
  let schema = root
  for (const step of path) {
    if (Array.isArray(schema) && /^\d{1,6}$/.test(step)) schema = schema[Number(step)]
    else if (isObject(schema) && Object.hasOwn(schema, step)) schema = schema[step]
    else return undefined
  }
  return schema === undefined ? undefined : { schema, path }
}

/** JSON pointers write `/` as `~1` and `~` as `~0`; a fragment may write others as `%xx`. */
function unescaped(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}
