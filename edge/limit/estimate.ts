import type { Job } from '../../proto/job.ts'

/** Of plain English four, of Vietnamese two or three, of Chinese about one. */
const CHARACTERS_PER_TOKEN = 3

/** Of a job, what a model reads, whatever its kind. */
const READ: ReadonlySet<string> = new Set<FieldOf<Job>>([
  'messages',
  'prompt',
  'calling',
  'inputs',
  'query',
  'documents',
])

type FieldOf<T> = T extends unknown ? keyof T : never

/**
 * About how many tokens a prompt has, from its length alone: to tokenise it here would cost more than to correct the
 * estimate when its answer ends. OpenAI counts characters for its limits too.
 */
export function promptTokensIn(job: Job): number {
  let length = 0
  for (const [name, value] of Object.entries(job)) if (READ.has(name)) length += lengthOf(value)
  return Math.ceil(length / CHARACTERS_PER_TOKEN)
}

/** Of all texts in it. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let length = 0
  // A number in a list is the id of a token.
  for (const part of Object.values(value))
    length += typeof part === 'number' ? CHARACTERS_PER_TOKEN : lengthOf(part)
  return length
}
