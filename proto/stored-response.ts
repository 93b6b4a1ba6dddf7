import { z } from 'zod'
import { JobId } from './ids.ts'
import { ItemResource } from './openai/response-items.ts'
import { ResponseSettings } from './openai/responses.ts'

/**
 * What was asked of a stored response, as it lies in RESPONSES beside its answer. A conversation is not repeated in each
 * of its turns: it is the input and the output of all its ancestors, and then this input.
 */
export const StoredResponse = z.object({
  id: JobId,
  /** The project that it belongs to. */
  tenant: z.string(),
  /** Milliseconds since 1970. */
  createdAtMs: z.int(),
  deadlineAtMs: z.int(),
  /** The turns before it, the first one first. */
  ancestors: z.array(JobId),
  input: z.array(ItemResource),
  settings: ResponseSettings,
})
export type StoredResponse = z.infer<typeof StoredResponse>

/** A response is its job, under the name that OpenAI's clients expect. */
export const responseIdOf = (job: JobId): string => `resp_${job.slice(4)}`

/** Nothing where it is no id of a response. */
export const jobOfResponse = (id: string): JobId | undefined =>
  JobId.safeParse(id.replace(/^resp_/, 'job_')).data
