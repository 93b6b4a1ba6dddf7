/** What our logs are told of a cause: an error with its own causes, as text, because errors do not cross threads whole. */
export function storyOf(cause: unknown): string | null {
  if (cause === undefined) return null
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : JSON.stringify(cause)
  const inner = storyOf(cause.cause)
  const own = cause.stack ?? cause.message
  return inner === null ? own : `${own}\ncaused by ${inner}`
}
